/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls as this architecture makes them, with Linux's numbers
 * (arch/x86/entry/syscalls/syscall_64.tbl), and its thread pointer. Every architecture's folder has
 * a file of this name with the same names in it.
 */
#ifndef SCONCE_TESTS_SYSTEM_CALLS_H
#define SCONCE_TESTS_SYSTEM_CALLS_H

#include <stdint.h>

#define SYSTEM_CALLS                                                                               \
    {"read", 0}, {"write", 1}, {"close", 3}, {"fstat", 5}, {"mmap", 9}, {"mprotect", 10},          \
        {"munmap", 11}, {"brk", 12}, {"rt_sigaction", 13}, {"rt_sigprocmask", 14}, {"ioctl", 16},  \
        {"readv", 19}, {"writev", 20}, {"mremap", 25}, {"madvise", 28}, {"getpid", 39},            \
        {"socket", 41}, {"clone", 56}, {"execve", 59}, {"gettimeofday", 96}, {"sigaltstack", 131}, \
        {"futex", 202}, {"clock_gettime", 228}, {"clock_getres", 229}, {"exit_group", 231},        \
        {"tgkill", 234}, {"openat", 257}, {"newfstatat", 262}, {"readlinkat", 267},                \
        {"ppoll", 271}, {"prlimit64", 302}, {"getrandom", 318}, {"rseq", 334}, {"clone3", 435},    \
        {"nobodys", 999},

static inline int64_t system_call(uint64_t number, const uint64_t args[6])
{
    register uint64_t a3 __asm__("r10") = args[3];
    register uint64_t a4 __asm__("r8") = args[4];
    register uint64_t a5 __asm__("r9") = args[5];
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(a3), "r"(a4),
                       "r"(a5)
                     : "rcx", "r11", "memory");
    return result;
}

/* arch_prctl(ARCH_SET_FS) */
static inline int64_t set_thread_pointer(uint64_t address)
{
    const uint64_t args[6] = {0x1002, address};

    return system_call(158, args);
}

static inline uint64_t thread_word(void)
{
    uint64_t word;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(word) : : "memory");
    return word;
}

#endif
