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

#include "hostile.h"
#include "plugins/process-x86_64/control.h"
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

void *hostile_export[5];

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
    __asm__ volatile("outb %%al, %[port]"
                     :
                     : "a"(SCONCE_DOORBELL_PRINT), [port] "i"(SCONCE_DOORBELL_PORT_X86_64)
                     : "memory", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
    if (begun++)
        __builtin_longjmp(hostile_export, 1);
}

uint64_t hostile_site(unsigned i)
{
    const unsigned char *stub = (const unsigned char *)SCONCE_STUB_AT;

    for (unsigned at = 0; at + 1 < SCONCE_STUB_PAGE; at++)
        if (stub[at] == 0x0f && stub[at + 1] == 0x05 && i-- == 0)
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
    __asm__ volatile("jmp *%[site]"
                     :
                     : [site] "r"(hostile_site(SITE_REPORT)), "a"(24l), "D"(signal), "S"(frame)
                     : "memory");
}

void hostile_then(uint32_t then)
{
    int64_t result = 39;

    switch (then) {
    case THEN_DOORBELL:
        print_dot();
        break;
    case THEN_LOOP:
        __asm__ volatile("1: jmp 1b");
        break;
    case THEN_UD2:
        __asm__ volatile("ud2");
        break;
    case THEN_PAGE_FAULT:
        __asm__ volatile("movb $1, 0");
        break;
    case THEN_SYSCALL:
        __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
        break;
    case THEN_REPORT:
        report(11, SCONCE_CONTROL_AT);
        break;
    case THEN_REPORT_FRAME:
        report(11, hostile_frame());
        break;
    case THEN_INT3:
        __asm__ volatile("int3");
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
 * was started with, with the return address before it, and the words of FRAME and FS base. */
SCONCE_EXPORT(uint64_t, not_zero_at_start, (void))
{
    const unsigned char *bytes = (const unsigned char *)control_at_start;
    uint64_t n = 0;

    for (uint64_t i = 0; i < frame_at_start - 8 - SCONCE_CONTROL_AT; i++)
        n += bytes[i] != 0 && i / 8 != SCONCE_CONTROL_FRAME / 8 &&
             i / 8 != SCONCE_CONTROL_FS_BASE / 8;
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
