/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attacks of this guest have in common, and what tells that nothing of them is left.
 *
 * Every attack prints "." first. Its outcome is what its comment says, or GUEST_FAULT OTHER, which
 * is how the guest's machine ends when the stub's reports are tampered with ("shuts down"). None of
 * them is ever BACKEND, and none outlives a restore: behind it checksum() is what it was, and
 * leaks() of registers.c finds nothing.
 */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "hostile.h"
#include "machine.h"
#include "plugins/shared/process/layout.h"
#include "registers.h"

static uint64_t in_data = 1;
static volatile uint32_t begun;

/* The control area as the first instruction of the guest's own finds it: later on it holds what
 * this guest was stopped with. */
static uint64_t control_at_start[SCONCE_CONTROL_BYTES / 8];
static uint64_t frame_at_start;

__attribute__((constructor(101))) static void look_at_start(void)
{
    frame_at_start = hostile_frame();
    memcpy(control_at_start, (const void *)SCONCE_CONTROL_AT, sizeof control_at_start);
}

static void print_dot(void)
{
    printf(".\n");
}

void *hostile_export[MACHINE_MARK_WORDS];

/* What lay on the stack here is overwritten the second time. */
__attribute__((noinline)) void hostile_begin(void)
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    *frame = (struct sconce_frame){.kind = SCONCE_FRAME_PRINT,
                                   .slot_count = 1,
                                   .used_bytes = sizeof *frame + sizeof *slot + 1};
    *slot = (struct sconce_slot){SCONCE_TYPE_STRING, 1, sizeof *frame + sizeof *slot};
    *(char *)(slot + 1) = '.';
    __asm__ volatile(MACHINE_BELL
                     :
                     : MACHINE_BELL_INPUTS(SCONCE_DOORBELL_PRINT)
                     : MACHINE_CLOBBERS);
    if (begun++)
        machine_return(hostile_export);
}

uint64_t hostile_site(unsigned i)
{
    const unsigned char *stub = (const unsigned char *)SCONCE_STUB_AT;

    for (unsigned at = 0; at + MACHINE_CALL_BYTES <= SCONCE_STUB_PAGE; at += MACHINE_CALL_UNIT)
        if (machine_is_call(stub + at) && i-- == 0)
            return SCONCE_STUB_AT + at;
    return 0;
}

uint64_t hostile_frame(void)
{
    return *(volatile uint64_t *)(SCONCE_CONTROL_AT + SCONCE_CONTROL_FRAME);
}

void hostile_forget(void)
{
    *(volatile uint64_t *)(SCONCE_CONTROL_AT + SCONCE_CONTROL_FRAME) = 0;
}

/* sched_yield, by which the stub reports; @signal and @frame are what it says. */
static void report(uint64_t signal, uint64_t frame)
{
    hostile_forget();
    machine_report(hostile_site(SITE_REPORT), signal, frame);
}

void hostile_then(uint32_t then)
{
    int64_t result;

    switch (then) {
    case THEN_DOORBELL:
        print_dot();
        break;
    case THEN_LOOP:
        __asm__ volatile(MACHINE_JUMP_TO_SELF);
        break;
    case THEN_UNDEFINED:
        __asm__ volatile(MACHINE_UNDEFINED);
        break;
    case THEN_PAGE_FAULT:
        __asm__ volatile(MACHINE_WRITE_NULL : : : MACHINE_CLOBBERS);
        break;
    case THEN_SYSCALL:
        __asm__ volatile(MACHINE_SYSCALL
                         : MACHINE_SYSCALL_RESULT(result)
                         : MACHINE_SYSCALL_INPUTS(39l)
                         : MACHINE_CLOBBERS);
        (void)result;
        break;
    case THEN_REPORT:
        report(11, SCONCE_CONTROL_AT);
        break;
    case THEN_REPORT_FRAME:
        report(11, hostile_frame());
        break;
    case THEN_BREAKPOINT:
        __asm__ volatile(MACHINE_BREAKPOINT);
        break;
    default:
        break;
    }
}

/* How many system call instructions the stub's page has. */
SCONCE_EXPORT(uint32_t, sites, (void))
{
    uint32_t n = 0;

    while (hostile_site(n))
        n++;
    return n;
}

/* How often the 8 bytes of @pattern are to be found, wherever they begin: in the control area when
 * the guest started, in it now, and in the stub. What the host had in its registers is not. */
SCONCE_EXPORT(uint64_t, find, (uint64_t pattern))
{
    const struct {
        const unsigned char *at;
        uint64_t bytes;
    } places[] = {
        {(const unsigned char *)control_at_start, sizeof control_at_start},
        {(const unsigned char *)SCONCE_CONTROL_AT, SCONCE_CONTROL_BYTES},
        {(const unsigned char *)SCONCE_STUB_AT, SCONCE_STUB_PAGE},
    };
    uint64_t n = 0;

    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        for (uint64_t at = 0; at + sizeof pattern <= places[i].bytes; at++)
            n += memcmp(places[i].at + at, &pattern, sizeof pattern) == 0;
    return n;
}

/* The bytes of the control area that were not 0 when the guest started, but for the frame that it
 * was started with, with the return address before it, and the words of FRAME and of the thread
 * pointer. */
SCONCE_EXPORT(uint64_t, not_zero_at_start, (void))
{
    const unsigned char *bytes = (const unsigned char *)control_at_start;
    uint64_t n = 0;

    for (uint64_t i = 0; i < frame_at_start - 8 - SCONCE_CONTROL_AT; i++)
        n += bytes[i] != 0 && i / 8 != SCONCE_CONTROL_FRAME / 8 && i / 8 != SCONCE_CONTROL_ARCH / 8;
    return n;
}

/* A checksum of data and bss, the heap, and the stack below its top 8 KiB, where what is running
 * is. Two things are left out: the stack guard, which a restore renews, and what registers.c
 * captured, whose unused parts the processor leaves as they are. */
static uint64_t sum_of(uint64_t sum, uintptr_t from, uintptr_t to)
{
    extern uintptr_t __stack_chk_guard;

    for (; from < to; from += 8) {
        if (from == (uintptr_t)&__stack_chk_guard)
            continue;
        if (from >= (uintptr_t)&captured && from < (uintptr_t)(&captured + 1))
            continue;
        sum = (sum ^ *(volatile uint64_t *)from) * 0x100000001b3u;
    }
    return sum;
}

SCONCE_EXPORT(uint64_t, checksum, (void))
{
    extern char _end[];
    const struct sconce_boot *boot = sconce_boot();
    const uintptr_t granule = SCONCE_GUEST_GRANULE;
    uint64_t sum = 0xcbf29ce484222325u;

    sum = sum_of(sum, (uintptr_t)&in_data & ~(granule - 1), (uintptr_t)_end & ~7ul);
    sum = sum_of(sum, boot->heap_addr, boot->heap_addr + boot->heap_bytes);
    return sum_of(sum, boot->stack_top - boot->stack_bytes, boot->stack_top - 8192);
}

/* ---- The control area --------------------------------------------------------------------- */

/* Fills the whole control area, the frame among it, and prints; @rounds times. Succeeds. */
SCONCE_EXPORT(void, scribble, (uint32_t byte, uint32_t rounds))
{
    HOSTILE_BEGIN();
    for (uint32_t i = 0; i < rounds; i++) {
        memset((void *)SCONCE_CONTROL_AT, (int)byte, SCONCE_CONTROL_BYTES);
        printf(".\n");
    }
}

/* Fills it and stops in every other way. */
SCONCE_EXPORT(void, scribble_then, (uint32_t byte, uint32_t then))
{
    HOSTILE_BEGIN();
    memset((void *)SCONCE_CONTROL_AT, (int)byte, SCONCE_CONTROL_BYTES);
    hostile_then(then);
}

/* Fills it for ever, without a stop: LIMIT (deadline). */
SCONCE_EXPORT(void, scribble_forever, (uint32_t byte))
{
    volatile unsigned char *control = (volatile unsigned char *)SCONCE_CONTROL_AT;

    HOSTILE_BEGIN();
    for (uint32_t i = 0;; i = (i + 1) % SCONCE_CONTROL_BYTES)
        control[i] = (unsigned char)byte;
}

/* Writes one word of the control area, and prints: succeeds. */
SCONCE_EXPORT(void, write_word, (uint32_t offset, uint64_t value))
{
    HOSTILE_BEGIN();
    *(volatile uint64_t *)(SCONCE_CONTROL_AT + offset) = value;
    printf(".\n");
}

/* ---- Returning from signals that never were ------------------------------------------------ */

/*
 * Returns from a frame with one FIELD_ changed, then does what THEN_ says.
 *  - FIELD_NONE, and what the kernel takes or ignores: as THEN_ does without an attack: success,
 *    ILLEGAL, MEMORY write at 0, BREAKPOINT; THEN_REPORT shuts down; THEN_REPORT_FRAME is a
 *    report() of the last doorbell, which is heard again as something else.
 *  - FIELD_MASK with the faults' signals in it: whatever stops the guest then shuts down, and
 *    THEN_LOOP is LIMIT (deadline).
 *  - what the kernel or the processor refuses: a fault of any kind.
 */
SCONCE_EXPORT(void, forged, (uint32_t field, uint64_t value, uint32_t then))
{
    HOSTILE_BEGIN();
    if (field >= FIELDS)
        return;
    hostile_take_frame();
    hostile_return(field, value);
    hostile_then(then);
}

/*
 * Returns with another alternate stack, then does what THEN_ says: that, where the kernel keeps the
 * stub's stack all the same, or where the forged one ends where the stub's does; else it shuts
 * down. @from_image: @sp counts from the image's start.
 */
SCONCE_EXPORT(void, forged_altstack,
              (uint64_t sp, uint64_t bytes, uint32_t flags, bool from_image, uint32_t then))
{
    uint64_t *altstack;

    HOSTILE_BEGIN();
    hostile_take_frame();
    altstack = hostile_altstack();
    altstack[0] = sp + (from_image ? sconce_boot()->image_base : 0);
    altstack[1] = flags;
    altstack[2] = bytes;
    hostile_return(FIELD_NONE, 0);
    hostile_then(then);
}
