/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest "hostile" does in machine code, and what x86_64 alone has; the numbers are for its
 * host, too. */
#ifndef SCONCE_TESTS_HOSTILE_MACHINE_H
#define SCONCE_TESTS_HOSTILE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* What compat() does in 32-bit code. */
#define COMPAT_INT80 0
#define COMPAT_SYSCALL 1
#define COMPAT_SYSENTER 2
#define COMPAT_UD2 3
#define COMPAT_DOORBELL 4
#define COMPAT_LOOP 5
#define COMPAT_BACK 6
#define COMPATS 7

/* What else forged() changes in a frame that would be right. Those from FIELD_MAGIC1 on are in the
 * area of floating-point registers. */
#define FIELD_RIP 2
#define FIELD_RSP 3
#define FIELD_CS 4
#define FIELD_SS 5
#define FIELD_RFLAGS 6
#define FIELD_UC_FLAGS 7
#define FIELD_FPSTATE 8
#define FIELD_LINK 9
#define FIELD_FS 10
#define FIELD_GS 11
#define FIELD_RESERVED 12
#define FIELD_MAGIC1 13
#define FIELD_EXTENDED_BYTES 14
#define FIELD_FEATURES 15
#define FIELD_XSTATE_BYTES 16
#define FIELD_MAGIC2 17
#define FIELD_MXCSR 18
#define FIELD_XSTATE_BV 19
#define FIELD_XCOMP_BV 20
#define FIELD_XSAVE_RESERVED 21
#define FIELD_COMPONENTS 22 /* every byte of them */
#define FIELDS 23

/* A place to return to: 0, and not 0 when it is returned to. */
#define MACHINE_MARK_WORDS 5
#define machine_mark(words) __builtin_setjmp(words)
#define machine_return(words) __builtin_longjmp(words, 1)

/* Is there a system call instruction? It may begin at any byte. */
#define MACHINE_CALL_UNIT 1u
#define MACHINE_CALL_BYTES 2u
static inline bool machine_is_call(const unsigned char *at)
{
    return at[0] == 0x0f && at[1] == 0x05;
}

/* Jumps to @site with the registers of the stub's report. */
static inline void machine_report(uint64_t site, uint64_t signal, uint64_t frame)
{
    __asm__ volatile("jmp *%[site]"
                     :
                     : [site] "r"(site), "a"(24l), "D"(signal), "S"(frame)
                     : "memory");
}

#endif
