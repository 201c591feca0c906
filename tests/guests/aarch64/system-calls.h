/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls as this architecture makes them, with Linux's numbers
 * (include/uapi/asm-generic/unistd.h), and its thread pointer. Every architecture's folder has a
 * file of this name with the same names in it.
 */
#ifndef SCONCE_TESTS_SYSTEM_CALLS_H
#define SCONCE_TESTS_SYSTEM_CALLS_H

#include <stdint.h>

#define SYSTEM_CALLS                                                                               \
    {"ioctl", 29}, {"openat", 56}, {"close", 57}, {"read", 63}, {"write", 64}, {"readv", 65},      \
        {"writev", 66}, {"ppoll", 73}, {"readlinkat", 78}, {"newfstatat", 79}, {"fstat", 80},      \
        {"exit_group", 94}, {"futex", 98}, {"clock_gettime", 113}, {"clock_getres", 114},          \
        {"tgkill", 131}, {"sigaltstack", 132}, {"rt_sigaction", 134}, {"rt_sigprocmask", 135},     \
        {"gettimeofday", 169}, {"getpid", 172}, {"socket", 198}, {"brk", 214}, {"munmap", 215},    \
        {"mremap", 216}, {"clone", 220}, {"execve", 221}, {"mmap", 222}, {"mprotect", 226},        \
        {"madvise", 233}, {"prlimit64", 261}, {"getrandom", 278}, {"rseq", 293}, {"clone3", 435},  \
        {"nobodys", 999},

static inline int64_t system_call(uint64_t number, const uint64_t args[6])
{
    register uint64_t nr __asm__("x8") = number;
    register uint64_t a0 __asm__("x0") = args[0];
    register uint64_t a1 __asm__("x1") = args[1];
    register uint64_t a2 __asm__("x2") = args[2];
    register uint64_t a3 __asm__("x3") = args[3];
    register uint64_t a4 __asm__("x4") = args[4];
    register uint64_t a5 __asm__("x5") = args[5];

    __asm__ volatile("svc #0"
                     : "+r"(a0)
                     : "r"(nr), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                     : "memory", "cc");
    return (int64_t)a0;
}

/* No system call: the register is the program's own (Arm ARM D17.2.139, TPIDR_EL0). */
static inline int64_t set_thread_pointer(uint64_t address)
{
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(address) : "memory");
    return 0;
}

static inline uint64_t thread_word(void)
{
    uint64_t word;

    __asm__ volatile("mrs %0, tpidr_el0\n\tldr %0, [%0]" : "=&r"(word) : : "memory");
    return word;
}

#endif
