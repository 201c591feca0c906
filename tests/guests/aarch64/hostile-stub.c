/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on the stub from within: its instructions used for something else. See ../hostile.c for
 * what holds for all of them.
 */
#include <stddef.h>
#include <string.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "plugins/process-aarch64/control.h"
#include "plugins/process-aarch64/frame.h"
#include "plugins/shared/process/stub-head.h"
#include "tests/guests/hostile.h"

#define NR_MUNMAP 215
#define NR_SCHED_YIELD 124
#define NR_SIGALTSTACK 132

static void jump(uint64_t to, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = c;
    register uint64_t x8 __asm__("x8") = number;

    __asm__ volatile("msr nzcv, %[flags]\n\tmov x19, %[a]\n\tmov x20, %[b]\n\tbr %[to]"
                     :
                     : [to] "r"(to), [flags] "r"(flags), [a] "r"(a), [b] "r"(b), "r"(x0), "r"(x1),
                       "r"(x2), "r"(x3), "r"(x8)
                     : "memory", "cc", "x19", "x20");
}

static void call(uint32_t site, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
    __attribute__((noinline));
static void call(uint32_t site, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    if (number == NR_SCHED_YIELD && b == 0)
        b = hostile_frame();
    if (number == NR_SIGALTSTACK && a == 0)
        a = SCONCE_STUB_AT + offsetof(struct sconce_stub_head, altstack);
    jump(hostile_site(site), flags, number, a, b, c);
}

/*
 * Jumps to the stub's @site-th system call instruction with these registers and flags.
 *  - A number that the stub does not use there or anywhere: GUEST_FAULT MEMORY, execute, at that
 *    instruction; it is trapped.
 *  - sched_yield (124) shuts down, unless at SITE_REPORT and with the frame's address in @b, which
 *    0 stands for: then it is the report of the doorbell before once more, and the stub returns
 *    into its frame: success.
 *  - rt_sigreturn (139): the stack is no frame: a fault of any kind.
 *  - sigaltstack (132) with the stub's own description of its stack, which @a = 0 stands for:
 *    succeeds, as the stub returns into its last frame. With anything else it is trapped.
 */
SCONCE_EXPORT(void, call_site,
              (uint32_t site, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c))
{
    HOSTILE_BEGIN();
    call(site, flags, number, a, b, c);
}

/* Jumps to any byte of the stub, with registers that address its own memory: a fault of any kind,
 * or success when that returns into the last frame. */
SCONCE_EXPORT(void, jump_into, (uint32_t offset, uint64_t number))
{
    static uint64_t own[64];

    HOSTILE_BEGIN();
    jump(SCONCE_STUB_AT + offset, 0, number, (uintptr_t)own, (uintptr_t)own, 4096);
}

/* The last step of making a child, with the guest's own code and data as what is to be unmapped:
 * GUEST_FAULT MEMORY, execute, in the stub; @step: 0 the first munmap, 1 the other, 2 the filter, 3
 * the exit. */
SCONCE_EXPORT(void, finish, (uint32_t step))
{
    static const unsigned char back[] = {4, 8, 16, 8}; /* from the site to its preparation */

    HOSTILE_BEGIN();
    if (step < sizeof back)
        jump(hostile_site(SITE_UNMAP_TEXT + step) - back[step], 0, NR_MUNMAP,
             sconce_boot()->image_base, 65536, sconce_boot()->stack_top - 65536);
}

/* Makes the true frame one of a signal that never was, and reports it. @anew: as a new stop.
 * Returns when the host has let the guest go on. */
__attribute__((noinline)) static void do_report(uint32_t signal, uint32_t code, uint64_t esr,
                                                uint64_t pstate, bool is_call, uint64_t tls)
{
    struct process_a64_frame *frame = (struct process_a64_frame *)hostile_frame();
    unsigned char *records = (unsigned char *)(frame + 1);
    const struct process_a64_syndrome syndrome = {.head = {PROCESS_A64_ESR_MAGIC, sizeof syndrome},
                                                  .esr = esr};
    const bool is_trap = signal == 31 && (int32_t)code > 0; /* SIGSYS */
    const uint64_t site = hostile_site(SITE_REPORT);

    memcpy(records + sizeof(struct process_a64_simd), &syndrome, sizeof syndrome);
    memset(records + sizeof(struct process_a64_simd) + sizeof syndrome, 0, 8);
    frame->code = (int32_t)code;
    frame->pstate = pstate;
    frame->x[0] = SCONCE_DOORBELL_PRINT;
    *(volatile uint64_t *)(SCONCE_CONTROL_AT + SCONCE_CONTROL_TPIDR) = tls;
    hostile_forget();
    {
        register uint64_t x0 __asm__("x0") = signal;
        register struct process_a64_frame *x1 __asm__("x1") = frame;
        register uint64_t x8 __asm__("x8") = NR_SCHED_YIELD;
        register uint64_t x9 __asm__("x9") = site;
        register uint64_t x10 __asm__("x10") = is_call;
        register uint64_t x11 __asm__("x11") = is_trap;

        __asm__ volatile("adr x16, 2f\n\tadr x17, 4f\n\tcmp x10, #0\n\tcsel x16, x17, x16, ne\n\t"
                         "str x16, [x1, %[address]]\n\t"
                         /* Behind the instruction that is reported, or at a true doorbell. */
                         "adr x17, 1f\n\tcmp x11, #0\n\tcsel x16, x16, x17, ne\n\t"
                         "str x16, [x1, %[pc]]\n\t"
                         "mov x16, sp\n\tstr x16, [x1, %[sp]]\n\tstr x29, [x1, %[x29]]\n\t"
                         "str x19, [x1, %[x19]]\n\t"
                         "br x9\n"
                         "1:\tsvc %[port]\n2:\tb 5f\n3:\tsvc #0\n4:\tnop\n5:"
                         : "+r"(x0), "+r"(x1), "+r"(x8), "+r"(x9), "+r"(x10), "+r"(x11)
                         : [port] "i"(SCONCE_DOORBELL_SVC_AARCH64),
                           [address] "i"(offsetof(struct process_a64_frame, address)),
                           [pc] "i"(offsetof(struct process_a64_frame, pc)),
                           [sp] "i"(offsetof(struct process_a64_frame, sp)),
                           [x29] "i"(offsetof(struct process_a64_frame, x) + 29 * 8),
                           [x19] "i"(offsetof(struct process_a64_frame, x) + 19 * 8)
                         : "memory", "cc", "x2", "x3", "x4", "x5", "x6", "x7", "x12", "x13", "x14",
                           "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
                           "x27", "x28", "x30", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
                           "v15");
    }
}

/*
 * Reports a signal that never was, with the true frame's address and a frame of the guest's own
 * making in it: what the host would make of the kernel's word. SIGSYS (31) with @code 1 is a
 * doorbell and prints a second ".", or a system call when @is_call; with @code <= 0 or SIGUSR1 (10)
 * nothing, and then the same doorbell is rung. All these succeed, whatever @tls is. Else
 * GUEST_FAULT of the kind that @esr is, where that raises @signal, or else that @signal is. A
 * @pstate of no program's makes the return fail: it shuts down.
 */
SCONCE_EXPORT(void, report,
              (uint32_t signal, uint32_t code, uint64_t esr, uint64_t pstate, bool is_call,
               uint64_t tls))
{
    HOSTILE_BEGIN();
    do_report(signal, code, esr, pstate, is_call, tls);
}

/* Rings that doorbell for ever by reports, its own signals open, so that kicks find it in the
 * kernel while the host works for it: LIMIT (deadline, output). */
SCONCE_EXPORT(void, report_doorbells, (void))
{
    HOSTILE_BEGIN();
    for (;;)
        do_report(31, 1, 0, 0, false, 0);
}

/* The same with SIGUSR1, which the host answers at once, again and again: LIMIT (deadline). Without
 * @anew it is each time the last stop that is told again. */
SCONCE_EXPORT(void, report_forever, (bool anew))
{
    struct process_a64_frame *frame;

    HOSTILE_BEGIN();
    frame = (struct process_a64_frame *)hostile_frame();
    frame->code = -6; /* sent by tkill(2) */
    frame->x[20] = (uintptr_t)frame;
    frame->x[21] = hostile_site(SITE_REPORT);
    frame->x[22] = SCONCE_CONTROL_AT + SCONCE_CONTROL_FRAME;
    frame->x[23] = anew ? 0 : UINT64_MAX;
    __asm__ volatile("mov x20, %[frame]\n\tmov x21, %[site]\n\tmov x22, %[word]\n\t"
                     "mov x23, %[keep]\n"
                     "1:\tadr x16, 1b\n\tstr x16, [x20, %[pc]]\n\t"
                     "ldr x16, [x22]\n\tand x16, x16, x23\n\tstr x16, [x22]\n\t"
                     "mov x0, #10\n\tmov x1, x20\n\tmov x8, #124\n\tbr x21"
                     :
                     : [frame] "r"(frame), [site] "r"(frame->x[21]), [word] "r"(frame->x[22]),
                       [keep] "r"(frame->x[23]), [pc] "i"(offsetof(struct process_a64_frame, pc))
                     : "memory", "cc", "x0", "x1", "x8", "x16", "x20", "x21", "x22", "x23");
}
