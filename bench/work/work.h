/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest computes, and the host, too: the same source, compiled for both. */
#ifndef SCONCE_BENCH_WORK_WORK_H
#define SCONCE_BENCH_WORK_WORK_H

#include <stdint.h>

/* Each returns what depends on all that it did. @turns: how much, about a millisecond for a
 * thousand of work_int, ten of work_sha256, three of work_memcpy. */
uint64_t work_int(uint32_t turns);    /* multiplications, divisions and branches in registers */
uint64_t work_sha256(uint32_t turns); /* 16 KiB hashed a turn */
uint64_t work_avx(uint32_t turns);    /* 16 KiB of floats, multiplied and added eight at a time */
uint64_t work_memcpy(uint32_t turns); /* 4 MiB copied a turn, between buffers of 1 MiB */

#endif
