/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Linux's system calls on x86_64, for messages. */
#ifndef SCONCE_ARCH_X86_64_SYSCALLS_H
#define SCONCE_ARCH_X86_64_SYSCALLS_H

#include <stdint.h>

/** sconce_x86_syscall_name - "write" for 1; NULL for a number that has no name here. */
const char *sconce_x86_syscall_name(uint64_t raw_nr);

#endif
