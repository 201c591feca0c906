/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on the stub from within: its instructions used for something else, its control area
 * written. See hostile.c for what holds for all of them.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "plugins/process-x86_64/control.h"
#include "plugins/process-x86_64/frame.h"
#include "plugins/shared/process/stub-head.h"
#include "tests/guests/hostile.h"

static void jump(uint64_t to, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    __asm__ volatile("movq %[c], %%rdx\n\tmovq %%rdx, %%rcx\n\tmovq %%rdx, %%r10\n\t"
                     "pushq %[flags]\n\tpopfq\n\tjmp *%[to]"
                     :
                     : [to] "r"(to), [flags] "r"(flags | 2), "a"(number), "D"(a), "S"(b), [c] "r"(c)
                     : "memory", "cc", "rcx", "rdx", "r10");
}

/*
 * Jumps to the stub's @site-th system call instruction with these registers and RFLAGS.
 *  - A number that the stub does not use there or anywhere: GUEST_FAULT MEMORY, execute, behind
 *    that instruction; it is trapped.
 *  - sched_yield (24) shuts down, unless at SITE_REPORT and with the frame's address in @b, which
 *    0 stands for: then it is the report of the doorbell before once more, and the stub returns
 *    into its frame: success.
 *  - rt_sigreturn (15): the stack is no frame: a fault of any kind.
 *  - sigaltstack (131) with the stub's own description of its stack, which @a = 0 stands for:
 *    succeeds, as the stub returns into its last frame. With anything else it is trapped.
 *  - arch_prctl (158) is trapped, but where programs have no FSGSBASE and at SITE_ALTSTACK: setting
 * a base, and reading it into its own word, succeed likewise.
 */
SCONCE_EXPORT(void, call_site,
              (uint32_t site, uint64_t flags, uint64_t number, uint64_t a, uint64_t b, uint64_t c))
{
    HOSTILE_BEGIN();
    if (number == 24 && b == 0)
        b = hostile_frame();
    if (number == 131 && a == 0)
        a = SCONCE_STUB_AT + offsetof(struct sconce_stub_head, altstack);
    jump(hostile_site(site), flags, number, a, b, c);
}

/* Jumps to any byte of the stub, with registers that address its own memory: a fault of any kind,
 * or success when that returns into the last frame; or a broken frame, when it wrote there on the
 * way. */
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
    static const unsigned char back[] = {11, 11, 19, 10}; /* from the site to its preparation */

    HOSTILE_BEGIN();
    if (step < sizeof back)
        jump(hostile_site(SITE_UNMAP_TEXT + step) - back[step], 0, 11, sconce_boot()->image_base,
             65536, sconce_boot()->stack_top - 65536);
}

/* See report(). Returns when the host has let the guest go on. */
__attribute__((noinline)) static void do_report(uint32_t signal, uint32_t code, uint64_t trapno,
                                                uint64_t cs, uint32_t call_arch, uint64_t fs_base)
{
    struct process_x86_frame *frame = (struct process_x86_frame *)hostile_frame();

    frame->rax = SCONCE_DOORBELL_PRINT;
    frame->code = (int32_t)code;
    frame->trapno = trapno;
    frame->error = 0;
    frame->cs = (uint16_t)cs;
    frame->call_arch = call_arch;
    *(volatile uint64_t *)(SCONCE_CONTROL_AT + SCONCE_CONTROL_FS_BASE) = fs_base;
    hostile_forget();
    __asm__ volatile("leaq 2f(%%rip), %%rax\n\tmovq %%rax, %c[call](%[frame])\n\t"
                     "leaq 3f(%%rip), %%rax\n\tleaq 4f(%%rip), %%rcx\n\t"
                     "cmpl $31, %%edi\n\tcmoveq %%rcx, %%rax\n\t" /* SIGSYS */
                     "movq %%rax, %c[rip](%[frame])\n\t"
                     "movq %%rsp, %c[rsp](%[frame])\n\tmovq %%rbp, %c[rbp](%[frame])\n\t"
                     "movq %%rbx, %c[rbx](%[frame])\n\t"
                     "movl $24, %%eax\n\tjmp *%[site]\n"
                     "1:\tsyscall\n2:\tud2\n3:\toutb %%al, %[port]\n4:"
                     :
                     : [frame] "S"(frame), [site] "r"(hostile_site(SITE_REPORT)),
                       "D"(signal), [call] "i"(offsetof(struct process_x86_frame, call_address)),
                       [rip] "i"(offsetof(struct process_x86_frame, rip)),
                       [rsp] "i"(offsetof(struct process_x86_frame, rsp)),
                       [rbp] "i"(offsetof(struct process_x86_frame, rbp)),
                       [rbx] "i"(offsetof(struct process_x86_frame, rbx)),
                       [port] "i"(SCONCE_DOORBELL_PORT_X86_64)
                     : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15");
}

/*
 * Reports a signal that never was, with the true frame's address and a frame of the guest's own
 * making in it: what the host would make of the kernel's word. With @trapno 13 and @signal 11 it is
 * a doorbell and prints a second "."; with @code <= 0 or SIGUSR1 (10) nothing, and then the same
 * doorbell is rung; SIGSYS (31) is a system call when @call_arch is the machine's own. All these
 * succeed; but with an @fs_base that is not canonical the stub itself, if it has FSGSBASE, faults
 * when it goes on: PRIVILEGE. Else GUEST_FAULT of the kind that @trapno is, OTHER when @signal
 * never comes of that, PRIVILEGE when @cs is not 0x33.
 */
SCONCE_EXPORT(void, report,
              (uint32_t signal, uint32_t code, uint64_t trapno, uint64_t cs, uint32_t call_arch,
               uint64_t fs_base))
{
    HOSTILE_BEGIN();
    do_report(signal, code, trapno, cs, call_arch, fs_base);
}

/* Rings that doorbell for ever by reports, its own signals open, so that kicks find it in the
 * kernel while the host works for it: LIMIT (deadline, output). */
SCONCE_EXPORT(void, report_doorbells, (void))
{
    HOSTILE_BEGIN();
    for (;;)
        do_report(11, 128, 13, 0x33, 0, 0);
}

/* The same with SIGUSR1, which the host answers at once, again and again: LIMIT (deadline). Without
 * @anew it is each time the last stop that is told again. */
SCONCE_EXPORT(void, report_forever, (bool anew))
{
    struct process_x86_frame *frame;

    HOSTILE_BEGIN();
    frame = (struct process_x86_frame *)hostile_frame();
    frame->code = -6; /* sent by tkill(2) */
    frame->rsi = (uintptr_t)frame;
    frame->rdx = hostile_site(SITE_REPORT);
    frame->rbx = SCONCE_CONTROL_AT + SCONCE_CONTROL_FRAME;
    frame->rcx = anew ? 0 : UINT64_MAX;
    __asm__ volatile("1:\tleaq 1b(%%rip), %%rax\n\tmovq %%rax, %c[rip](%%rsi)\n\t"
                     "andq %%rcx, (%%rbx)\n\t"
                     "movl $10, %%edi\n\tmovl $24, %%eax\n\tjmp *%%rdx"
                     :
                     : "S"(frame), "d"(frame->rdx), "b"(frame->rbx),
                       "c"(frame->rcx), [rip] "i"(offsetof(struct process_x86_frame, rip))
                     : "memory", "cc", "rax", "rdi", "r11");
}
