/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the hypervisor's messages to the contract's exits. All that is read here may come from the
 * guest. An OUT is told of before it is over: PC is moved behind it here, at once, so that no run
 * can do it twice and none can forget it.
 */
#include <string.h>

#include "arch/x86_64/fault.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/mshv/exit.h"
#include "plugins/shared/mshv/hypercall.h"
#include "sconce-guest-abi.h"

#define IO_BYTES 7u /* of hv_io_port.access: how wide */
#define IO_STRING (1u << 3)
#define IO_REP (1u << 4)

#define CPL 3u /* of hv_intercept_head.state */

static void fail_with(struct sconce_plugin_vm *vm, const struct sconce_plugin_error *why,
                      struct sconce_exit *ret_exit)
{
    sconce_exit_fail(ret_exit, why->domain, why->code, "%.*s",
                     (int)sizeof ret_exit->u.fail.text - 1, why->text);
    vm->mshv.state = SCONCE_VCPU_DEAD;
}

static int32_t read_cr2(const struct sconce_plugin_vm *vm, uint64_t *ret_cr2,
                        struct sconce_plugin_error *err)
{
    const uint32_t name = HV_CR2;
    struct mshv_value value;
    int32_t r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, &name, &value, 1,
                                          "read the address of a page fault", err);

    if (r == SCONCE_PLUGIN_OK)
        *ret_cr2 = value.low;
    return r;
}

/* The shim tells of an exception. */
static void decode_trap(struct sconce_plugin_vm *vm, const struct hv_io_port *io,
                        struct sconce_exit *ret_exit)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    struct sconce_x86_exception exception;
    struct sconce_x86_standard standard;
    uint64_t rcx = 0;

    /* By this route a SYSCALL's return address is in RCX. The message has one, too, but nothing
     * says that it counts for an OUT that is no string instruction. */
    if (vm->x86.route == SCONCE_X86_ROUTE_PF) {
        if (mshv_x86_general_fetch(vm, &why) != SCONCE_PLUGIN_OK) {
            fail_with(vm, &why, ret_exit);
            return;
        }
        rcx = vm->general.gp[MSHV_RCX];
    }
    switch (sconce_x86_trap(&vm->x86, &vm->mshv.memory, vm->mshv.own, io->head.rip, rcx, &exception,
                            &vm->mshv.state, ret_exit)) {
    case SCONCE_X86_TRAP_SYSCALL:
        if (mshv_x86_read_standard(vm, &standard, &why) == SCONCE_PLUGIN_OK)
            sconce_x86_syscall_exit(&standard, &vm->mshv.state, ret_exit);
        else
            fail_with(vm, &why, ret_exit);
        break;
    case SCONCE_X86_TRAP_FAULT:
        if (exception.vector == SCONCE_X86_VECTOR_PF &&
            read_cr2(vm, &exception.cr2, &why) != SCONCE_PLUGIN_OK)
            fail_with(vm, &why, ret_exit);
        else
            sconce_x86_fault_exit(&exception, &vm->mshv.state, ret_exit);
        break;
    case SCONCE_X86_TRAP_OVER:
    default:
        break;
    }
}

/* An instruction has 1 to 15 bytes (SDM vol 2A 2.3.11); OUT has one or two and prefixes. An
 * interrupt shadow that a MOV SS in front of it has left (INTERRUPT_STATE) stays for one more
 * instruction: it hides breakpoints of the guest's own there and nothing else, and to clear it
 * would be another hypercall for each doorbell. */
static bool move_on(struct sconce_plugin_vm *vm, const struct hv_intercept_head *head,
                    struct sconce_exit *ret_exit)
{
    uint8_t length = head->length_cr8 & 15;

    if (length) {
        mshv_x86_general_set_rip(vm, head->rip + length);
        return true;
    }
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_PLUGIN, 2,
                     "the hypervisor does not tell how long the guest's instruction is");
    vm->mshv.state = SCONCE_VCPU_DEAD;
    return false;
}

/* A port access that no guest of ours can make unseen: as if the bitmap had denied it. */
static void deny_port(struct sconce_plugin_vm *vm, const struct hv_io_port *io,
                      struct sconce_exit *ret_exit)
{
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_GP,
        .rip = io->head.rip,
    };

    sconce_x86_fault_exit(&exception, &vm->mshv.state, ret_exit);
}

static void decode_io(struct sconce_plugin_vm *vm, const struct hv_io_port *io,
                      struct sconce_exit *ret_exit)
{
    bool one_byte_out = io->head.access == HV_ACCESS_WRITE && (io->access & IO_BYTES) == 1 &&
                        !(io->access & (IO_STRING | IO_REP));

    if (one_byte_out && io->port == SCONCE_DOORBELL_PORT_X86_64) {
        if (!move_on(vm, &io->head, ret_exit))
            return;
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = io->rax & 0xff; /* the rest is not what was written */
    } else if (one_byte_out && io->port == SCONCE_X86_SHIM_PORT) {
        if (move_on(vm, &io->head, ret_exit))
            decode_trap(vm, io, ret_exit);
    } else {
        deny_port(vm, io, ret_exit);
    }
}

/* The access by which the hypervisor stopped, as a right. */
static uint32_t right_of(const struct hv_intercept_head *head)
{
    switch (head->access) {
    case HV_ACCESS_WRITE:
        return SCONCE_PROT_WRITE;
    case HV_ACCESS_EXECUTE:
        return SCONCE_PROT_EXEC;
    default:
        return SCONCE_PROT_READ;
    }
}

static void fail_gpa(struct sconce_plugin_vm *vm, const char *text, struct sconce_exit *ret_exit)
{
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, vm->mshv.message.type, "%s", text);
    vm->mshv.state = SCONCE_VCPU_DEAD;
}

/* A kernel whose regions follow the host's memory brings pages in when the guest wants them; where
 * it cannot, it hands on the message that it had (drivers/hv/mshv_root_main.c). So one about memory
 * that is there, with the right to it, is the host's trouble. Else: the page tables lead nowhere
 * but to memory, with no more rights than it has; should an access get past them, it is a fault of
 * the guest's, or the shim is not what it was. */
static void decode_gpa(struct sconce_plugin_vm *vm, const struct hv_gpa_access *access,
                       bool is_mapped, struct sconce_exit *ret_exit)
{
    uint32_t right = right_of(&access->head);
    const struct sconce_x86_exception exception = {
        .vector = SCONCE_X86_VECTOR_PF,
        .error = SCONCE_X86_PF_USER | (is_mapped ? SCONCE_X86_PF_PRESENT : 0) |
                 (right == SCONCE_PROT_WRITE ? SCONCE_X86_PF_WRITE : 0) |
                 (right == SCONCE_PROT_EXEC ? SCONCE_X86_PF_FETCH : 0),
        .rip = access->head.rip,
        .cr2 = access->info & HV_GPA_GVA_VALID ? access->gva : access->gpa,
    };

    if (sconce_mshv_regions_allow(&vm->mshv.regions, access->gpa, right))
        fail_gpa(vm, SCONCE_MSHV_NOT_ACCESSIBLE, ret_exit);
    else if ((access->head.state & CPL) == CPL)
        sconce_x86_fault_exit(&exception, &vm->mshv.state, ret_exit);
    else
        fail_gpa(vm, "the shim's memory is not what it was", ret_exit);
}

/* Of a message no more is asked for than is read of it here. */
#define IO_READ_BYTES (offsetof(struct hv_io_port, rax) + sizeof(uint64_t))
#define GPA_READ_BYTES (offsetof(struct hv_gpa_access, gpa) + sizeof(uint64_t))

void mshv_x86_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct mshv_message *message = &vm->mshv.message;
    struct hv_io_port io;
    struct hv_gpa_access access;

    vm->x86.place = SCONCE_X86_IN_GUEST;
    switch (message->type) {
    case HV_MESSAGE_IO_PORT:
        memcpy(&io, message->payload, sizeof io);
        if (sconce_mshv_exit_whole(&vm->mshv, IO_READ_BYTES, ret_exit))
            decode_io(vm, &io, ret_exit);
        break;
    case MSHV_MESSAGE_UNMAPPED_GPA:
    case MSHV_MESSAGE_GPA_INTERCEPT:
        memcpy(&access, message->payload, sizeof access);
        if (sconce_mshv_exit_whole(&vm->mshv, GPA_READ_BYTES, ret_exit))
            decode_gpa(vm, &access, message->type == MSHV_MESSAGE_GPA_INTERCEPT, ret_exit);
        break;
    default:
        sconce_mshv_exit_other(message, ret_exit);
        vm->x86.place = SCONCE_X86_ANYWHERE;
        vm->mshv.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        break;
    }
}
