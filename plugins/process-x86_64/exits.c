/* SPDX-License-Identifier: Apache-2.0 */
/* From a signal and its frame to the contract's exits. All that is read here comes from the guest:
 * the stub may have been jumped to, its frame made up. */
#include <signal.h>
#include <string.h>

#include <linux/audit.h>

#include "arch/x86_64/fault.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "sconce-guest-abi.h"

/* SDM vol 2B, OUT. */
#define INSN_OUT_IMM8_AL 0xe6u
#define INSN_OUT_DX_AL 0xeeu
static const uint8_t syscall_insn[2] = {0x0f, 0x05};

/* SDM vol 3A table 6-1, those that fault.h does not name. */
enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_NM = 7,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19,
    VECTOR_NONE = 0xff, /* a signal without one */
};

static bool read_code(const struct process_x86_vm *vm, uint64_t at, uint8_t *insn, size_t bytes)
{
    return sconce_plugin_mappings_read(&vm->base.memory, at, insn, bytes, SCONCE_PROT_EXEC);
}

static void fault_exit(struct process_x86_vm *vm, const struct sconce_x86_exception *exception,
                       struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_x86_fault(exception, &ret_exit->u.fault);
    vm->base.state = SCONCE_VCPU_FAULTED;
}

/* How many bytes a doorbell at @rip has; 0 when there is none. */
static uint8_t doorbell_bytes(const struct process_x86_vm *vm, uint64_t rip)
{
    uint8_t insn[2];

    if (!read_code(vm, rip, insn, 1))
        return 0;
    if (insn[0] == INSN_OUT_DX_AL)
        return (vm->frame.rdx & 0xffff) == SCONCE_DOORBELL_PORT_X86_64 ? 1 : 0;
    if (insn[0] != INSN_OUT_IMM8_AL || !read_code(vm, rip, insn, 2))
        return 0;
    return insn[1] == SCONCE_DOORBELL_PORT_X86_64 ? 2 : 0;
}

static void protection_exit(struct process_x86_vm *vm, uint64_t error, struct sconce_exit *ret_exit)
{
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_GP,
        .error = (uint32_t)error,
        .rip = vm->frame.rip,
    };

    fault_exit(vm, &exception, ret_exit);
}

/* Vectors by signal: arch/x86/kernel/traps.c. A signal of another origin (a page that failed, state
 * that is not permitted) leaves in the frame what an earlier exception wrote there. */
static bool has_vector(int number, uint64_t trapno)
{
    switch (number) {
    case SIGSEGV:
        return trapno == SCONCE_X86_VECTOR_GP || trapno == SCONCE_X86_VECTOR_PF ||
               trapno == VECTOR_OF || trapno == VECTOR_BR;
    case SIGBUS:
        return trapno == VECTOR_NP || trapno == VECTOR_SS || trapno == VECTOR_AC ||
               trapno == SCONCE_X86_VECTOR_PF;
    case SIGILL:
        return trapno == SCONCE_X86_VECTOR_UD;
    case SIGFPE:
        return trapno == VECTOR_DE || trapno == VECTOR_MF || trapno == VECTOR_XM;
    case SIGTRAP:
        return trapno == VECTOR_DB || trapno == VECTOR_BP;
    default:
        return false;
    }
}

static void exception_exit(struct process_x86_vm *vm, int number, struct sconce_exit *ret_exit)
{
    const struct process_x86_frame *frame = &vm->frame;
    struct sconce_x86_exception exception = {.vector = number == SIGILL ? VECTOR_NM : VECTOR_NONE,
                                             .rip = frame->rip};

    if (has_vector(number, frame->trapno)) {
        exception.vector = (uint8_t)frame->trapno;
        exception.error = (uint32_t)frame->error;
        exception.rsp = frame->rsp;
        exception.cr2 = frame->cr2;
    }
    if (number == SIGSEGV && exception.vector == SCONCE_X86_VECTOR_GP && exception.error == 0) {
        vm->skip = doorbell_bytes(vm, frame->rip);
        if (vm->skip) {
            ret_exit->kind = SCONCE_EXIT_DOORBELL;
            ret_exit->u.doorbell.number = (uint8_t)frame->rax;
            return;
        }
    }
    fault_exit(vm, &exception, ret_exit);
}

/* The kernel trapped a system call: by its 64-bit instruction in the guest's own code it is an
 * exit, by any other way a fault. */
static void trap_exit(struct process_x86_vm *vm, struct sconce_exit *ret_exit)
{
    const struct process_x86_frame *frame = &vm->frame;
    const uint64_t at = frame->call_address - sizeof syscall_insn;
    struct sconce_x86_exception exception = {.rip = at};
    uint8_t insn[sizeof syscall_insn];

    if (frame->call_arch != AUDIT_ARCH_X86_64) {
        /* INT 0x80, as if the table of interrupts had no such gate: SDM vol 3A 6.13. */
        exception.vector = SCONCE_X86_VECTOR_GP;
        exception.error = 0x80 << 3 | 2;
    } else if (read_code(vm, at, insn, sizeof insn) &&
               memcmp(insn, syscall_insn, sizeof insn) == 0) {
        /* The Linux convention: x86-64 psABI A.2.1. RAX is as it was. */
        ret_exit->kind = SCONCE_EXIT_SYSCALL;
        ret_exit->u.syscall = (struct sconce_exit_syscall){
            .id = SCONCE_SYS_UNKNOWN,
            .raw_nr = frame->rax,
            .args = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9},
        };
        vm->base.state = SCONCE_VCPU_SYSCALL;
        return;
    } else {
        /* In the stub, or in the kernel's page of old entry points, whose address it is then. */
        exception.vector = SCONCE_X86_VECTOR_PF;
        exception.error = SCONCE_X86_PF_PRESENT | SCONCE_X86_PF_USER | SCONCE_X86_PF_FETCH;
        exception.cr2 = frame->call_address;
        exception.rip = frame->call_address;
    }
    fault_exit(vm, &exception, ret_exit);
}

bool process_x86_decode(struct sconce_plugin_vm *base, int number, struct sconce_exit *ret_exit)
{
    struct process_x86_vm *vm = process_x86(base);
    const struct process_x86_frame *frame = &vm->frame;

    /* Sent by somebody, as a kernel's own never are (siginfo(2), si_code): not the guest's doing.
     */
    if (frame->code <= 0)
        return false;
    if (frame->cs != vm->shape.pattern.cs)
        protection_exit(vm, 0, ret_exit); /* 32-bit code, which guests have no segment for */
    else if (number == SIGSYS)
        trap_exit(vm, ret_exit);
    else
        exception_exit(vm, number, ret_exit);
    return true;
}
