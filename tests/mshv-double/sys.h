/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel, past what this library puts in place of libc's functions. Results are the kernel's:
 * 0 or more, or a negative errno; errno itself is left alone.
 */
#ifndef MSHV_DOUBLE_SYS_H
#define MSHV_DOUBLE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

long double_sys(long number, long a, long b, long c, long d, long e, long f);

int double_sys_ioctl(int fd, unsigned long request, const void *argument);
void *double_sys_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset);
void double_sys_munmap(void *addr, size_t bytes);
void double_sys_close(int fd);

/** double_sys_failed - is what double_sys_mmap() gave an error, and which? 0: none. */
int double_sys_failed(const void *addr);

/**
 * double_sys_copy_in, double_sys_copy_out - between us and what the client pointed to, as the
 * kernel copies: 0 or -EFAULT, never a signal.
 */
int double_sys_copy_in(void *to, uint64_t from, size_t bytes);
int double_sys_copy_out(uint64_t to, const void *from, size_t bytes);

/** double_sys_signals - set the thread's signal mask; @ret_old may be NULL. Kernel's 64 bits. */
void double_sys_signals(uint64_t mask, uint64_t *ret_old);

/** double_sys_die - text on stderr, and the end of the process: a mistake in a test's set-up. */
__attribute__((noreturn, format(printf, 1, 2))) void double_sys_die(const char *format, ...);

#endif
