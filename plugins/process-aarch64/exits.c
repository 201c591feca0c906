/* SPDX-License-Identifier: Apache-2.0 */
/* From a signal and its frame to the contract's exits. All that is read here comes from the guest:
 * the stub may have been jumped to, its frame made up. */
#include <signal.h>
#include <string.h>

#include "arch/aarch64/fault.h"
#include "plugins/process-aarch64/process-aarch64.h"
#include "sconce-guest-abi.h"

#define INSN_BYTES 4u

/* Exception generating instructions, whose immediate is in bits 20:5: Arm ARM C4.1.66. */
#define INSN_MASK 0xffe0001fu
#define INSN_SVC 0xd4000001u
#define INSN_BRK 0xd4200000u
#define INSN_IMM16(insn) ((insn) >> 5 & 0xffffu)

/* A class that the architecture gives to nothing: a signal whose exception is not known. */
#define CLASS_NONE 0x3fu
#define FSC_PERMISSION_LEVEL_3 0x0fu

/* asm-generic/siginfo.h has more of them than libc. */
#define TRAP_BRKPT_ 1
#define TRAP_TRACE_ 2
#define TRAP_HWBKPT_ 4

/* The instruction at @at, where guests may execute one; else 0, which is UDF. */
static uint32_t read_insn(const struct process_a64_vm *vm, uint64_t at)
{
    uint8_t bytes[INSN_BYTES];

    if (at % INSN_BYTES ||
        !sconce_plugin_mappings_read(&vm->base.memory, at, bytes, sizeof bytes, SCONCE_PROT_EXEC))
        return 0;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint64_t syndrome(uint32_t class, uint32_t iss)
{
    return (uint64_t) class << SCONCE_A64_ESR_EC_SHIFT | SCONCE_A64_ESR_IL | iss;
}

static void fault_exit(struct process_a64_vm *vm, const struct sconce_a64_exception *exception,
                       struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_a64_fault(exception, &ret_exit->u.fault);
    vm->esr = exception->esr;
    vm->far = exception->far;
    vm->base.state = SCONCE_VCPU_FAULTED;
}

/* ---- Exceptions ----------------------------------------------------------------------------- */

/*
 * Does an exception of that class raise the signal? arch/arm64/mm/fault.c, kernel/traps.c,
 * kernel/entry-common.c. A signal of another origin leaves in the frame what an earlier exception
 * wrote there: BRK and floating-point ones do so always.
 */
static bool has_class(int number, uint32_t class)
{
    switch (number) {
    case SIGSEGV:
        return class == SCONCE_A64_EC_INSN_ABORT || class == SCONCE_A64_EC_DATA_ABORT;
    case SIGBUS:
        return class == SCONCE_A64_EC_INSN_ABORT || class == SCONCE_A64_EC_DATA_ABORT ||
               class == SCONCE_A64_EC_PC_ALIGN || class == SCONCE_A64_EC_SP_ALIGN;
    case SIGILL:
        /* Of pointers that fail authentication, and of exceptions that the kernel has no word for
         * (bad_el0_sync). All else is an undefined instruction to it and has no syndrome, traps of
         * MSR, MRS, WFI, SVE, SME and branch targets among it: made_up(). */
        return class == SCONCE_A64_EC_FPAC || class == SCONCE_A64_EC_PAC ||
               class == SCONCE_A64_EC_LS64 || class == SCONCE_A64_EC_ILLEGAL_STATE;
    default:
        return false;
    }
}

/* What the processor would have said, as far as the signal tells. */
static uint64_t made_up(const struct process_a64_vm *vm, int number, uint32_t insn)
{
    const struct process_a64_frame *frame = &vm->frame;

    if (number == SIGILL)
        return syndrome(SCONCE_A64_EC_UNKNOWN, 0);
    if (number == SIGFPE)
        return syndrome(SCONCE_A64_EC_FP_TRAP, 0);
    if (number == SIGBUS && frame->code == BUS_ADRALN && frame->pc % INSN_BYTES)
        return syndrome(SCONCE_A64_EC_PC_ALIGN, 0);
    if (number == SIGBUS && frame->code == BUS_ADRALN && frame->sp % 16)
        return syndrome(SCONCE_A64_EC_SP_ALIGN, 0);
    if (number == SIGTRAP && frame->code == TRAP_BRKPT_)
        return syndrome(SCONCE_A64_EC_BRK, (insn & INSN_MASK) == INSN_BRK ? INSN_IMM16(insn) : 0);
    if (number == SIGTRAP && frame->code == TRAP_TRACE_)
        return syndrome(SCONCE_A64_EC_STEP, 0);
    if (number == SIGTRAP && frame->code == TRAP_HWBKPT_)
        return syndrome(SCONCE_A64_EC_BREAKPOINT, 0);
    return syndrome(CLASS_NONE, 0);
}

static void exception_exit(struct process_a64_vm *vm, int number, struct sconce_exit *ret_exit)
{
    struct sconce_a64_exception exception = {
        .pc = vm->frame.pc,
        .sp = vm->frame.sp,
        .insn = read_insn(vm, vm->frame.pc),
    };
    struct process_a64_syndrome record;

    if (process_a64_find(vm->records, PROCESS_A64_ESR_MAGIC, &record, sizeof record) &&
        has_class(number, SCONCE_A64_ESR_EC(record.esr)))
        exception.esr = record.esr;
    else
        exception.esr = made_up(vm, number, exception.insn);
    /* The frame's own fault_address is 0 for alignment. */
    if (number == SIGSEGV || number == SIGBUS)
        exception.far = vm->frame.address;
    fault_exit(vm, &exception, ret_exit);
}

/* ---- System calls and doorbells ------------------------------------------------------------- */

/* X0 is as it was: a call that seccomp traps is rolled back (kernel/seccomp.c, SECCOMP_RET_TRAP).
 */
static void call_exit(struct process_a64_vm *vm, uint32_t insn, struct sconce_exit *ret_exit)
{
    const uint64_t *x = vm->frame.x;

    if (INSN_IMM16(insn) == SCONCE_DOORBELL_SVC_AARCH64) {
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = x[0] > UINT32_MAX ? UINT32_MAX : (uint32_t)x[0];
        return;
    }
    /* The Linux convention: syscall(2). All of X8, not the kernel's 32 bits of it. */
    ret_exit->kind = SCONCE_EXIT_SYSCALL;
    ret_exit->u.syscall = (struct sconce_exit_syscall){
        .id = SCONCE_SYS_UNKNOWN,
        .raw_nr = x[8],
        .args = {x[0], x[1], x[2], x[3], x[4], x[5]},
    };
    vm->base.state = SCONCE_VCPU_SYSCALL;
}

/* The kernel trapped a system call: in the guest's own code it is an exit, elsewhere a fault. */
static void trap_exit(struct process_a64_vm *vm, struct sconce_exit *ret_exit)
{
    struct process_a64_frame *frame = &vm->frame;
    const uint64_t at = frame->address - INSN_BYTES;
    const struct sconce_a64_exception in_stub = {
        .esr = syndrome(SCONCE_A64_EC_INSN_ABORT, FSC_PERMISSION_LEVEL_3),
        .far = at,
        .pc = at,
        .sp = frame->sp,
    };
    const uint32_t insn = read_insn(vm, at);

    if ((insn & INSN_MASK) != INSN_SVC) {
        fault_exit(vm, &in_stub, ret_exit);
        return;
    }
    /*
     * The kernel takes an X0 of -ERESTARTNOINTR for a call to be made again and sets PC back to it
     * (arch/arm64/kernel/signal.c, do_signal): a number that Linux never returns, but that a guest
     * may pass, to a doorbell as well. It looks at the low 32 bits alone. (With -ERESTARTSYS,
     * -ERESTARTNOHAND and -ERESTART_RESTARTBLOCK it turns X0 into -EINTR, and the guest's value is
     * lost: docs/man/sconce-backend-process.7.scd, LIMITS.)
     */
    vm->moved = frame->pc != frame->address;
    frame->pc = frame->address;
    call_exit(vm, insn, ret_exit);
}

bool process_a64_decode(struct sconce_plugin_vm *base, int number, struct sconce_exit *ret_exit)
{
    struct process_a64_vm *vm = process_a64(base);

    /* Sent by somebody, as a kernel's own never are (siginfo(2), si_code): not the guest's doing.
     */
    if (vm->frame.code <= 0)
        return false;
    if (number == SIGSYS)
        trap_exit(vm, ret_exit);
    else
        exception_exit(vm, number, ret_exit);
    return true;
}
