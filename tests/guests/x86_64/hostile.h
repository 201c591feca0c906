/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the guest "hostile" share, and its host for the numbers. The guest knows the
 * process backends' stub as well as its authors do: where it lies, what it calls, what the host
 * reads. No secret keeps it out.
 */
#ifndef SCONCE_TESTS_HOSTILE_H
#define SCONCE_TESTS_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

/* The system call instructions of the stub's page, in their order there; behind them come those
 * that its data happen to contain. */
#define SITE_REPORT 0
#define SITE_ALTSTACK 1
#define SITE_RETURN 2
#define SITE_UNMAP_TEXT 3
#define SITE_UNMAP_DATA 4
#define SITE_FILTER 5
#define SITE_EXIT 6
#define SITES 7

/* What the guest does in the state that an attack has brought about. */
#define THEN_RETURN 0
#define THEN_DOORBELL 1 /* prints, and returns */
#define THEN_LOOP 2
#define THEN_UD2 3
#define THEN_PAGE_FAULT 4   /* a write at 0 */
#define THEN_SYSCALL 5      /* and returns */
#define THEN_REPORT 6       /* the stub's report, with a frame at no address of it */
#define THEN_REPORT_FRAME 7 /* the same, with the address of the true frame */
#define THEN_INT3 8
#define THENS 9

/* What compat() does in 32-bit code. */
#define COMPAT_INT80 0
#define COMPAT_SYSCALL 1
#define COMPAT_SYSENTER 2
#define COMPAT_UD2 3
#define COMPAT_DOORBELL 4
#define COMPAT_LOOP 5
#define COMPAT_BACK 6
#define COMPATS 7

/* What forged() changes in a frame that would be right. Those from FIELD_MAGIC1 on are in the area
 * of floating-point registers. */
#define FIELD_NONE 0
#define FIELD_MASK 1
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

/* A signal mask that only forged() makes: all but signal 40, which nobody sends. In /proc it tells
 * that a forged mask is in force. */
#define MASK_MARK (UINT64_MAX & ~(1ull << 39))

/**
 * HOSTILE_BEGIN - prints ".", by which the host knows that an attack is about to begin. When the
 * stub is made to return into an old frame, the guest finds itself there a second time: then the
 * attack is over, and the export returns, with the value that is given here.
 */
#define HOSTILE_BEGIN(...)                                                                         \
    do {                                                                                           \
        if (__builtin_setjmp(hostile_export))                                                      \
            return __VA_ARGS__;                                                                    \
        hostile_begin();                                                                           \
    } while (0)
extern void *hostile_export[5];
void hostile_begin(void);

/** hostile_site - where the stub's @i-th system call instruction is; 0 when there is none. */
uint64_t hostile_site(unsigned i);

/** hostile_frame - where the kernel writes signal frames, as the control area tells. */
uint64_t hostile_frame(void);

/** hostile_forget - clear the word that hostile_frame() reads, as the stub does when the guest
 * stops: a report that finds it filled is taken for one that was answered already. */
void hostile_forget(void);

void hostile_then(uint32_t then);

#endif
