/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by the processor's own oddities: other ways to stop, stacks, the thread pointer, larger
 * state. flags.c, stack.c, faults.c and privileged.c have those that every backend must bear; here
 * are those that aim at the stub. See ../hostile.c for what holds for all of them.
 */
#include <stdio.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "machine.h"
#include "plugins/process-aarch64/control.h"
#include "tests/guests/hostile.h"

/* hostile-machine.h. What a callee keeps: AAPCS64 6.1. */
__asm__(".pushsection .text\n"
        ".globl machine_mark\n"
        "machine_mark:\n\t"
        "stp x19, x20, [x0]\n\tstp x21, x22, [x0, #16]\n\tstp x23, x24, [x0, #32]\n\t"
        "stp x25, x26, [x0, #48]\n\tstp x27, x28, [x0, #64]\n\tstp x29, x30, [x0, #80]\n\t"
        "stp d8, d9, [x0, #96]\n\tstp d10, d11, [x0, #112]\n\tstp d12, d13, [x0, #128]\n\t"
        "stp d14, d15, [x0, #144]\n\tmov x1, sp\n\tstr x1, [x0, #160]\n\t"
        "mov w0, #0\n\tret\n"
        ".globl machine_return\n"
        "machine_return:\n\t"
        "ldp x19, x20, [x0]\n\tldp x21, x22, [x0, #16]\n\tldp x23, x24, [x0, #32]\n\t"
        "ldp x25, x26, [x0, #48]\n\tldp x27, x28, [x0, #64]\n\tldp x29, x30, [x0, #80]\n\t"
        "ldp d8, d9, [x0, #96]\n\tldp d10, d11, [x0, #112]\n\tldp d12, d13, [x0, #128]\n\t"
        "ldp d14, d15, [x0, #144]\n\tldr x1, [x0, #160]\n\tmov sp, x1\n\t"
        "mov w0, #1\n\tret\n"
        ".popsection");

/* Any system call from the guest's own code, with @x0: -38. */
SCONCE_EXPORT(int64_t, own_syscall, (uint64_t number, uint64_t x0))
{
    int64_t result = 0;

    HOSTILE_BEGIN(0);
    __asm__ volatile("mov x8, %[number]\n\tmov x0, %[x0]\n\tsvc #0\n\tmov %[result], x0"
                     : [result] "=r"(result)
                     : [number] "r"(number), [x0] "r"(x0)
                     : MACHINE_CLOBBERS);
    return result;
}

/* A doorbell with a system call's number in X8, which is nothing to it: prints, and returns. */
SCONCE_EXPORT(void, doorbell_with, (uint64_t number))
{
    HOSTILE_BEGIN();
    __asm__ volatile("mov x8, %[number]\n\t" MACHINE_BELL
                     :
                     : [number] "r"(number), MACHINE_BELL_INPUTS(SCONCE_DOORBELL_PRINT)
                     : MACHINE_CLOBBERS);
}

/* Stops by an instruction that is for a debugger, a hypervisor or a kernel, with the registers of a
 * semihosting call that ends an emulator (SYS_EXIT, 0x18): STOP_BRK and its kin are GUEST_FAULT
 * BREAKPOINT, the others PRIVILEGE. */
SCONCE_EXPORT(void, stop_by, (uint32_t what))
{
    static const uint64_t block[2] = {0x20026, 0}; /* ADP_Stopped_ApplicationExit */
    register uint64_t x0 __asm__("x0") = 0x18;
    register const uint64_t *x1 __asm__("x1") = block;

    HOSTILE_BEGIN();
    x0 = 0x18;
    x1 = block;
#define STOP(instruction)                                                                          \
    __asm__ volatile(instruction : "+r"(x0) : "r"(x1) : "x30", "memory");                          \
    break
    switch (what) {
    case STOP_SEMIHOSTING:
        STOP("hlt #0xf000");
    case STOP_HLT:
        STOP("hlt #0");
    case STOP_HVC:
        STOP(".inst 0xd4000002");
    case STOP_SMC:
        STOP(".inst 0xd4000003");
    case STOP_DCPS:
        STOP(".inst 0xd4a00001");
    case STOP_ERET:
        STOP(".inst 0xd69f03e0");
    case STOP_BRK:
        STOP("brk #0xf000");
    case STOP_BRK_UPROBE: /* arch/arm64/include/asm/brk-imm.h */
        STOP("brk #5");
    case STOP_BRK_KPROBE:
        STOP("brk #4");
    default:
        break;
    }
#undef STOP
}

static uint64_t kept_sp __attribute__((used));

#define WITH_SP(instructions)                                                                      \
    __asm__ volatile(MACHINE_WILD_SP(kept_sp) "mov x8, %[number]\n\tmov x0, %[first]\n\t"          \
                                              "mov x1, %[second]\n\t" instructions                 \
                                              "\n\t" MACHINE_TAME_SP(kept_sp)                      \
                     :                                                                             \
                     : [sp] "r"(wild), [site] "r"(site), [number] "r"(number), [first] "r"(first), \
                       [second] "r"(frame), [port] "i"(SCONCE_DOORBELL_SVC_AARCH64)                \
                     : MACHINE_CLOBBERS)

/*
 * With a stack pointer in the stub, the control area or nowhere, does what THEN_ says. @of_frame:
 * @sp counts from the true frame. A stack pointer inside of the alternate stack makes the kernel
 * write its frame below that: then all but THEN_LOOP, LIMIT (deadline), shut down; else as
 * forged() with FIELD_NONE.
 */
SCONCE_EXPORT(void, with_sp, (uint64_t sp, bool of_frame, uint32_t then))
{
    const uint64_t number = then == THEN_SYSCALL ? 39 : 124;
    const uint64_t first = then == THEN_DOORBELL ? SCONCE_DOORBELL_PRINT : 11;
    uint64_t site, frame, wild;

    HOSTILE_BEGIN();
    site = hostile_site(SITE_REPORT);
    frame = then == THEN_REPORT ? SCONCE_CONTROL_AT : hostile_frame();
    wild = sp + (of_frame ? hostile_frame() : 0);
    if (then == THEN_REPORT || then == THEN_REPORT_FRAME)
        hostile_forget();
    switch (then) {
    case THEN_DOORBELL:
        WITH_SP("svc %[port]");
        break;
    case THEN_LOOP:
        WITH_SP("1: b 1b");
        break;
    case THEN_UNDEFINED:
        WITH_SP("udf #0");
        break;
    case THEN_PAGE_FAULT:
        WITH_SP("mov x16, xzr\n\tstrb wzr, [x16]");
        break;
    case THEN_SYSCALL:
        WITH_SP("svc #0");
        break;
    case THEN_BREAKPOINT:
        WITH_SP("brk #0");
        break;
    default:
        WITH_SP("br %[site]");
        break;
    }
}

/* Sets the thread pointer, does what THEN_ says, and succeeds with 1 when it is still what it was
 * set to. */
SCONCE_EXPORT(uint32_t, thread_pointer, (uint64_t value, uint32_t then))
{
    uint64_t seen;

    HOSTILE_BEGIN(0);
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(value));
    hostile_then(then);
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(seen));
    return seen == value;
}

/* Uses SVE, whose state makes signal frames larger, then does what THEN_ says: that, or GUEST_FAULT
 * ILLEGAL where the processor has none. */
SCONCE_EXPORT(void, larger_vectors, (uint32_t then))
{
    HOSTILE_BEGIN();
    __asm__ volatile(".inst 0x2538c01f" : : : "v31"); /* mov z31.b, #0 */
    hostile_then(then);
}

/* Uses SME's array (ZA), likewise; where the processor has it, it may shut down. */
SCONCE_EXPORT(void, larger_array, (uint32_t then))
{
    HOSTILE_BEGIN();
    __asm__ volatile(".inst 0xd503457f"); /* smstart za */
    hostile_then(then);
}
