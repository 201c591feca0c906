/* SPDX-License-Identifier: Apache-2.0 */
/* From the shim's save area to the contract's exits. All that is read here may come from the
 * guest. */
#include "arch/aarch64/fault.h"
#include "common/untrusted.h"
#include "plugins/shared/aarch64/vcpu.h"
#include "plugins/shared/exit.h"
#include "sconce-guest-abi.h"

static void fault_exit(struct sconce_a64_vcpu *vcpu, const struct sconce_a64_exception *exception,
                       struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_FAULT;
    sconce_a64_fault(exception, &ret_exit->u.fault);
    *vcpu->state = SCONCE_VCPU_FAULTED;
}

void sconce_a64_shutdown_exit(struct sconce_a64_vcpu *vcpu, struct sconce_exit *ret_exit)
{
    ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
    vcpu->place = SCONCE_A64_ANYWHERE;
    *vcpu->state = SCONCE_VCPU_STOPPED;
}

void sconce_a64_fail_exit(struct sconce_a64_vcpu *vcpu, const char *text,
                          struct sconce_exit *ret_exit)
{
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_PLUGIN, 1, "%s", text);
    *vcpu->state = SCONCE_VCPU_DEAD;
}

/* ---- The shim's reports ---------------------------------------------------------------------- */

/* A number that a doorbell cannot have stays one. */
static uint32_t doorbell_number(uint64_t x0)
{
    return x0 > UINT32_MAX ? UINT32_MAX : (uint32_t)x0;
}

static void supervisor_call(struct sconce_a64_vcpu *vcpu, const struct sconce_a64_save *save,
                            struct sconce_exit *ret_exit)
{
    if (SCONCE_A64_ISS_IMM16(SCONCE_A64_ESR_ISS(save->esr)) == SCONCE_DOORBELL_SVC_AARCH64) {
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = doorbell_number(save->x[0]);
        return;
    }
    /* The Linux convention: syscall(2). */
    ret_exit->kind = SCONCE_EXIT_SYSCALL;
    ret_exit->u.syscall = (struct sconce_exit_syscall){
        .id = SCONCE_SYS_UNKNOWN,
        .raw_nr = save->x8,
        .args = {save->x[0], save->x[1], save->x[2], save->x[3], save->x[4], save->x[5]},
    };
    *vcpu->state = SCONCE_VCPU_SYSCALL;
}

/* The shim tells of an exception. */
static void report_exit(struct sconce_a64_vcpu *vcpu, unsigned vector, struct sconce_exit *ret_exit)
{
    struct sconce_a64_exception exception;
    struct sconce_a64_save save;

    if (vector != SCONCE_A64_VECTOR_EL0_SYNC && vector != SCONCE_A64_VECTOR_EL0_SERROR) {
        /* The shim itself was interrupted, or there is an interrupt or AArch32, which there cannot
         * be: the guest is lost. */
        sconce_a64_shutdown_exit(vcpu, ret_exit);
        return;
    }
    sconce_copy_untrusted(&save, sconce_a64_save(vcpu), sizeof save);
    if (save.taken != 0) {
        sconce_a64_fail_exit(vcpu, "the shim's report page was written by something else",
                             ret_exit);
        return;
    }
    sconce_a64_save(vcpu)->taken = SCONCE_A64_SAVE_TAKEN;
    vcpu->place = SCONCE_A64_AT_REPORT;
    if (vector == SCONCE_A64_VECTOR_EL0_SYNC && SCONCE_A64_ESR_EC(save.esr) == SCONCE_A64_EC_SVC) {
        supervisor_call(vcpu, &save, ret_exit);
        return;
    }
    exception = (struct sconce_a64_exception){
        .esr = save.esr, .far = save.far, .pc = save.elr, .sp = save.sp};
    if (SCONCE_A64_ESR_EC(save.esr) == SCONCE_A64_EC_UNKNOWN &&
        !sconce_plugin_mappings_read(vcpu->memory, save.elr, &exception.insn, sizeof exception.insn,
                                     SCONCE_PROT_EXEC))
        exception.insn = 0;
    fault_exit(vcpu, &exception, ret_exit);
}

/* ---- Accesses -------------------------------------------------------------------------------- */

/* One that got past the page tables, which lead nowhere but to memory and to the report page: as if
 * they had stopped it. */
static void stray_access(struct sconce_a64_vcpu *vcpu, uint64_t address, uint32_t access,
                         struct sconce_exit *ret_exit)
{
    uint64_t class =
        access == SCONCE_ACCESS_EXEC ? SCONCE_A64_EC_INSN_ABORT : SCONCE_A64_EC_DATA_ABORT;
    struct sconce_a64_exception exception = {
        .esr = class << SCONCE_A64_ESR_EC_SHIFT | SCONCE_A64_ESR_IL | SCONCE_A64_FSC_TRANSLATION |
               3 | (access == SCONCE_ACCESS_WRITE ? SCONCE_A64_ISS_WNR : 0),
        .far = address,
    };
    struct sconce_a64_reg pc = {.id = SCONCE_A64_PC};

    vcpu->place = SCONCE_A64_ANYWHERE;
    if (vcpu->access->get(vcpu->vm, &pc, 1, NULL) == SCONCE_PLUGIN_OK) {
        exception.pc = pc.value;
        fault_exit(vcpu, &exception, ret_exit);
        *vcpu->state = SCONCE_VCPU_STOPPED; /* the hypervisor may be in mid-access */
    } else {
        sconce_a64_fail_exit(vcpu, "cannot read where the guest stopped", ret_exit);
    }
}

void sconce_a64_memory_exit(struct sconce_a64_vcpu *vcpu, uint64_t address, uint32_t access,
                            uint32_t bytes, struct sconce_exit *ret_exit)
{
    uint64_t report = vcpu->memory->gpa_max + SCONCE_A64_REPORT_OFFSET;
    unsigned vector;

    if (access == SCONCE_ACCESS_WRITE && bytes == sizeof(uint64_t) &&
        sconce_a64_report_vector(vcpu->memory->gpa_max, address, &vector))
        report_exit(vcpu, vector, ret_exit);
    else if (address - report < SCONCE_A64_PAGE)
        sconce_a64_fail_exit(vcpu, "the shim's report page was used by something else", ret_exit);
    else
        stray_access(vcpu, address, access, ret_exit);
}
