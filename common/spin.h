/* SPDX-License-Identifier: Apache-2.0 */
/* What a loop that waits for another processor does between two looks. */
#ifndef SCONCE_COMMON_SPIN_H
#define SCONCE_COMMON_SPIN_H

static inline void sconce_spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif
