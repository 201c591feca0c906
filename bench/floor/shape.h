/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the floor's child, as far as both sides must know it: where its memory lies, and
 * which fd its zygote talks through.
 */
#ifndef SCONCE_BENCH_FLOOR_SHAPE_H
#define SCONCE_BENCH_FLOOR_SHAPE_H

#define FLOOR_SOCKET 3

/* Mapping i of the memory is at FLOOR_BASE + i * FLOOR_STRIDE_BYTES, and as far into the memfd. The
 * strides leave holes, so that the kernel cannot join two mappings. */
#define FLOOR_BASE 0x20000000ul
#define FLOOR_STRIDE_BYTES 0x100000ul
#define FLOOR_MAPPING_BYTES 0x10000ul
#define FLOOR_MOST_MAPPINGS 64

/* Mapping 0 is the signal stack, mapping 1 may be executed. */
#define FLOOR_STACK_BYTES FLOOR_MAPPING_BYTES

#endif
