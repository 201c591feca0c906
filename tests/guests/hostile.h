/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the guest "hostile" share on every architecture, and its host for the numbers.
 * ARCH/hostile-machine.h has what one architecture has alone. The guest knows the
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
#define THEN_UNDEFINED 3
#define THEN_PAGE_FAULT 4   /* a write at 0 */
#define THEN_SYSCALL 5      /* and returns */
#define THEN_REPORT 6       /* the stub's report, with a frame at no address of it */
#define THEN_REPORT_FRAME 7 /* the same, with the address of the true frame */
#define THEN_BREAKPOINT 8
#define THENS 9

/* What forged() changes in a frame that would be right; ARCH/hostile-machine.h has the others. */
#define FIELD_NONE 0
#define FIELD_MASK 1

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
        if (machine_mark(hostile_export))                                                          \
            return __VA_ARGS__;                                                                    \
        hostile_begin();                                                                           \
    } while (0)
extern void *hostile_export[];
void hostile_begin(void);

/** hostile_site - where the stub's @i-th system call instruction is; 0 when there is none. */
uint64_t hostile_site(unsigned i);

/** hostile_frame - where the kernel writes signal frames, as the control area tells. */
uint64_t hostile_frame(void);

/** hostile_forget - clear the word that hostile_frame() reads, as the stub does when the guest
 * stops: a report that finds it filled is taken for one that was answered already. */
void hostile_forget(void);

void hostile_then(uint32_t then);

/* ARCH/hostile-return.c: returning from a signal that never was. */

/** hostile_take_frame - the last true frame is what the next forgery is made of. */
void hostile_take_frame(void);
/** hostile_altstack - in the forgery: a stack_t, its flags in 64 bits. */
uint64_t *hostile_altstack(void);
/** hostile_return - return from the forgery with one FIELD_ changed: to here, when all is well. */
void hostile_return(uint32_t field, uint64_t value);

#endif
