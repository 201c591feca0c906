/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the hypervisor's messages to the contract's exits. All that is read here may come from the
 * guest. The shim's store is told of before it is over: PC is moved behind it here, at once, so
 * that no run can do it twice and none can forget it.
 */
#include <string.h>

#include "arch/aarch64/regs.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/mshv/exit.h"

#define INSTRUCTION_BYTES 4u

static uint32_t access_of(const struct hv_intercept_head *head)
{
    switch (head->access) {
    case HV_ACCESS_READ:
        return SCONCE_ACCESS_READ;
    case HV_ACCESS_WRITE:
        return SCONCE_ACCESS_WRITE;
    case HV_ACCESS_EXECUTE:
        return SCONCE_ACCESS_EXEC;
    default:
        return SCONCE_ACCESS_UNKNOWN;
    }
}

/* The same as a right. */
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

/* How wide; 0 where the syndrome does not tell. The shim's store is one for which it does. */
static uint32_t bytes_of(uint64_t syndrome)
{
    return syndrome & HV_ISS_ISV ? 1u << HV_ISS_SAS(syndrome) : 0;
}

/* The shim told of an exception; and it stands where it does that. Else nothing is left of the exit
 * that was filled by it. */
static void move_on(struct sconce_plugin_vm *vm, uint64_t pc, struct sconce_exit *ret_exit)
{
    const struct sconce_a64_reg behind = {SCONCE_A64_PC, pc + INSTRUCTION_BYTES};
    struct sconce_plugin_error why = {.size = sizeof why};
    enum sconce_a64_progress progress;
    unsigned vector;

    if (!sconce_a64_shim_at(vm->mshv.memory.gpa_max, pc, &vector, &progress) ||
        progress != SCONCE_A64_SHIM_SAVED) {
        sconce_exit_clear(ret_exit);
        sconce_a64_fail_exit(&vm->a64, "the shim's report page was written by something else",
                             ret_exit);
    } else if (mshv_a64_access.set(vm, &behind, 1, &why) != SCONCE_PLUGIN_OK) {
        sconce_exit_clear(ret_exit);
        sconce_exit_fail(ret_exit, why.domain, why.code, "%.*s",
                         (int)sizeof ret_exit->u.fail.text - 1, why.text);
        vm->mshv.state = SCONCE_VCPU_DEAD;
    }
}

/* Physical, to the byte. Some hypervisors tell the page alone, as the processor does; where in it
 * is the same by the virtual address. */
static uint64_t address_of(const struct hv_gpa_access *access)
{
    const uint64_t in_page = SCONCE_A64_PAGE - 1;

    if (!(access->info & HV_GPA_GVA_VALID))
        return access->gpa;
    return (access->gpa & ~in_page) | (access->gva & in_page);
}

/* A message about memory that is there, with the right to it, is the host's trouble: the kernel
 * could not bring the page in, or does not know how (drivers/hv/mshv_root_main.c). Else: the page
 * tables lead nowhere but to memory, with no more rights than it has, and to the report
 * page; should an access of the shim's get past them, it is not what it was. */
static void decode_gpa(struct sconce_plugin_vm *vm, const struct hv_gpa_access *access,
                       struct sconce_exit *ret_exit)
{
    uint64_t report = vm->mshv.memory.gpa_max + SCONCE_A64_REPORT_OFFSET;
    uint64_t address = address_of(access);
    bool of_guest = (access->head.cpsr & SCONCE_A64_PSTATE_MODE) == SCONCE_A64_PSTATE_EL0T;

    if (sconce_mshv_regions_allow(&vm->mshv.regions, address, right_of(&access->head))) {
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, vm->mshv.message.type, "%s",
                         SCONCE_MSHV_NOT_ACCESSIBLE);
        vm->mshv.state = SCONCE_VCPU_DEAD;
        return;
    }
    if (!of_guest && address - report >= SCONCE_A64_PAGE) {
        sconce_a64_fail_exit(&vm->a64, "the shim's memory is not what it was", ret_exit);
        return;
    }
    sconce_a64_memory_exit(&vm->a64, address, access_of(&access->head), bytes_of(access->syndrome),
                           ret_exit);
    if (vm->a64.place == SCONCE_A64_AT_REPORT)
        move_on(vm, access->head.pc, ret_exit);
}

void mshv_a64_decode(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit)
{
    const struct mshv_message *message = &vm->mshv.message;
    struct hv_gpa_access access;

    vm->a64.place = SCONCE_A64_ANYWHERE;
    switch (message->type) {
    case MSHV_MESSAGE_UNMAPPED_GPA:
    case MSHV_MESSAGE_GPA_INTERCEPT:
        memcpy(&access, message->payload, sizeof access);
        if (sconce_mshv_exit_whole(&vm->mshv, sizeof access, ret_exit))
            decode_gpa(vm, &access, ret_exit);
        break;
    case HV_MESSAGE_RESET: /* EL0 has no HVC: it cannot come */
        sconce_a64_shutdown_exit(&vm->a64, ret_exit);
        break;
    default:
        sconce_mshv_exit_other(message, ret_exit);
        vm->mshv.state =
            ret_exit->kind == SCONCE_EXIT_SHUTDOWN ? SCONCE_VCPU_STOPPED : SCONCE_VCPU_DEAD;
        break;
    }
}
