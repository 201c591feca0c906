/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Linux's system calls on aarch64, for messages. */
#ifndef SCONCE_ARCH_AARCH64_SYSCALLS_H
#define SCONCE_ARCH_AARCH64_SYSCALLS_H

#include <stdint.h>

/** sconce_a64_syscall_name - "write" for 64; NULL for a number that has no name here. */
const char *sconce_a64_syscall_name(uint64_t raw_nr);

#endif
