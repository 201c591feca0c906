/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1 and sconce.fault/1: register files of a stopped guest, from the signal frame and
 * the control area. The host's system registers are not the guest's business and read as zero, but
 * for what its last fault left there. There are no debug registers: a process without ptrace has
 * none to set.
 */
#include <string.h>

#include "arch/aarch64/regs.h"
#include "common/untrusted.h"
#include "plugins/process-aarch64/control.h"
#include "plugins/process-aarch64/process-aarch64.h"
#include "sconce-regs-aarch64.h"

static uint8_t *frame_bytes(const struct process_a64_vm *vm)
{
    return sconce_child_frame(&vm->base.child, PROCESS_A64_FRAME_BYTES);
}

/* ---- Standard ------------------------------------------------------------------------------ */

static int32_t set_standard(struct process_a64_vm *vm, const struct sconce_a64_standard *from,
                            struct sconce_plugin_error *err)
{
    if (!sconce_a64_standard_valid(from))
        return sconce_process_regs_refuse(err, "PC or flags are none that a guest could have");
    process_a64_set_standard(&vm->frame, from);
    memcpy(frame_bytes(vm), &vm->frame, sizeof vm->frame);
    return SCONCE_PLUGIN_OK;
}

/* ---- Special ------------------------------------------------------------------------------- */

static void get_special(const struct process_a64_vm *vm, struct sconce_a64_special *to)
{
    memset(to, 0, sizeof *to);
    sconce_copy_untrusted(&to->tpidr_el0, vm->base.child.control + SCONCE_CONTROL_TPIDR,
                          sizeof to->tpidr_el0);
    to->esr_el1 = vm->esr;
    to->far_el1 = vm->far;
}

static int32_t set_special(struct process_a64_vm *vm, const struct sconce_a64_special *from,
                           struct sconce_plugin_error *err)
{
    struct sconce_a64_special now;

    get_special(vm, &now);
    /* The guest may hold anything there; the host gives it addresses. */
    if (from->tpidr_el0 != now.tpidr_el0 && !sconce_a64_untagged(from->tpidr_el0))
        return sconce_process_regs_refuse(err, "TPIDR_EL0 is an address of neither half");
    now.tpidr_el0 = from->tpidr_el0;
    if (memcmp(&now, from, sizeof now) != 0)
        return sconce_process_regs_refuse(err, "of the special ones only TPIDR_EL0 can be set");
    memcpy(vm->base.child.control + SCONCE_CONTROL_TPIDR, &from->tpidr_el0, sizeof from->tpidr_el0);
    return SCONCE_PLUGIN_OK;
}

/* ---- Float --------------------------------------------------------------------------------- */

static int32_t get_float(const struct process_a64_vm *vm, struct sconce_a64_float *to,
                         struct sconce_plugin_error *err)
{
    uint8_t records[PROCESS_A64_RECORDS_BYTES];

    sconce_copy_untrusted(records, frame_bytes(vm) + sizeof vm->frame, sizeof records);
    if (process_a64_get_float(records, to))
        return SCONCE_PLUGIN_OK;
    return sconce_process_regs_refuse(err, "the guest has overwritten its SIMD registers' record");
}

/* What the guest has beyond these (SVE) is dropped: frame.h. */
static int32_t set_float(struct process_a64_vm *vm, const struct sconce_a64_float *from,
                         struct sconce_plugin_error *err)
{
    if (process_a64_set_float(from, frame_bytes(vm) + sizeof vm->frame))
        return SCONCE_PLUGIN_OK;
    return sconce_process_regs_refuse(err, "FPSR or FPCR are none that a guest could have");
}

/* ---- The extension ------------------------------------------------------------------------- */

static int32_t prepare(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_process_regs_check(vm, file, sconce_a64_file_bytes(file), bytes, err);

    if (r == SCONCE_PLUGIN_OK)
        process_a64_settle(process_a64(vm));
    return r;
}

static int32_t get(struct sconce_plugin_vm *base, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    const struct process_a64_vm *vm = process_a64(base);
    int32_t r = prepare(base, file, bytes, err);

    if (r == SCONCE_PLUGIN_OK && file == SCONCE_REGS_STANDARD)
        process_a64_get_standard(&vm->frame, buf);
    else if (r == SCONCE_PLUGIN_OK && file == SCONCE_REGS_SPECIAL)
        get_special(vm, buf);
    else if (r == SCONCE_PLUGIN_OK)
        r = get_float(vm, buf, err);
    return r;
}

static int32_t set(struct sconce_plugin_vm *base, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    struct process_a64_vm *vm = process_a64(base);
    int32_t r = prepare(base, file, bytes, err);

    if (r == SCONCE_PLUGIN_OK && file == SCONCE_REGS_STANDARD)
        r = set_standard(vm, buf, err);
    else if (r == SCONCE_PLUGIN_OK && file == SCONCE_REGS_SPECIAL)
        r = set_special(vm, buf, err);
    else if (r == SCONCE_PLUGIN_OK)
        r = set_float(vm, buf, err);
    return r;
}

const struct sconce_ext_regs process_a64_regs = {
    .size = sizeof process_a64_regs,
    .get = get,
    .set = set,
};

const struct sconce_ext_fault process_a64_fault = {
    .size = sizeof process_a64_fault,
    SCONCE_A64_FAULT_PLACES,
    .resume = sconce_process_fault_resume,
};
