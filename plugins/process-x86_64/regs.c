/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1 and sconce.fault/1: register files of a stopped guest, from the signal frame and
 * the control area. The host's control registers are not the guest's business and read as zero.
 * There are no debug registers: a process without ptrace has none to set.
 */
#include <string.h>

#include "arch/x86_64/regs.h"
#include "common/cleanup.h"
#include "common/untrusted.h"
#include "plugins/process-x86_64/control.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/plugin-error.h"
#include "sconce-regs-x86_64.h"

static uint8_t *frame_bytes(const struct process_x86_vm *vm)
{
    return sconce_child_frame(&vm->base.child, vm->shape.bytes);
}

/* ---- Standard ------------------------------------------------------------------------------ */

static int32_t set_standard(struct process_x86_vm *vm, const struct sconce_x86_standard *from,
                            struct sconce_plugin_error *err)
{
    struct sconce_x86_standard now = *from;

    if (!sconce_x86_standard_valid(from))
        return sconce_process_regs_refuse(err, "PC or flags are none that a guest could have");
    now.rflags = sconce_x86_user_rflags(from->rflags);
    process_x86_set_standard(&vm->frame, &now);
    memcpy(frame_bytes(vm), &vm->frame, sizeof vm->frame);
    return SCONCE_PLUGIN_OK;
}

/* ---- Special ------------------------------------------------------------------------------- */

static void get_special(const struct process_x86_vm *vm, struct sconce_x86_special *to)
{
    uint8_t words[SCONCE_CONTROL_ES + sizeof(uint16_t)];
    uint16_t ds, es;

    sconce_copy_untrusted(words, vm->base.child.control, sizeof words);
    memset(to, 0, sizeof *to);
    memcpy(&to->fs_base, words + SCONCE_CONTROL_FS_BASE, sizeof to->fs_base);
    memcpy(&to->gs_base, words + SCONCE_CONTROL_GS_BASE, sizeof to->gs_base);
    memcpy(&ds, words + SCONCE_CONTROL_DS, sizeof ds);
    memcpy(&es, words + SCONCE_CONTROL_ES, sizeof es);
    to->cr2 = vm->frame.cr2;
    to->xcr0 = vm->facts.xcr0;
    to->cs = vm->frame.cs;
    to->ss = vm->frame.ss;
    to->ds = ds;
    to->es = es;
    to->fs = vm->frame.fs;
    to->gs = vm->frame.gs;
}

static int32_t set_special(struct process_x86_vm *vm, const struct sconce_x86_special *from,
                           struct sconce_plugin_error *err)
{
    struct sconce_x86_special now;

    get_special(vm, &now);
    now.fs_base = from->fs_base;
    now.gs_base = from->gs_base;
    if (memcmp(&now, from, sizeof now) != 0)
        return sconce_process_regs_refuse(err,
                                          "of the special ones only FS and GS base can be set");
    if (!process_x86_base_fits(from->fs_base) || !process_x86_base_fits(from->gs_base))
        return sconce_process_regs_refuse(err, "FS or GS base is none that a guest can hold");
    memcpy(vm->base.child.control + SCONCE_CONTROL_FS_BASE, &from->fs_base, sizeof from->fs_base);
    memcpy(vm->base.child.control + SCONCE_CONTROL_GS_BASE, &from->gs_base, sizeof from->gs_base);
    return SCONCE_PLUGIN_OK;
}

/* ---- Float --------------------------------------------------------------------------------- */

static int32_t get_float(const struct process_x86_vm *vm, struct sconce_x86_float *to,
                         struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *area = malloc(vm->shape.xstate_bytes);

    if (!area)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a copy of the guest's registers");
    sconce_copy_untrusted(area, frame_bytes(vm) + vm->shape.fpstate, vm->shape.xstate_bytes);
    sconce_x86_xsave_unpack(&vm->facts.xsave, area, to);
    return SCONCE_PLUGIN_OK;
}

static int32_t set_float(struct process_x86_vm *vm, const struct sconce_x86_float *from,
                         struct sconce_plugin_error *err)
{
    if (!process_x86_set_float(&vm->shape, &vm->facts.xsave, from,
                               frame_bytes(vm) + vm->shape.fpstate))
        return sconce_process_regs_refuse(
            err, "the floating-point and SIMD ones are none that a guest could have");
    /* A guest that made its frame up may have had the area elsewhere. */
    vm->frame.fpstate = vm->base.child.frame + vm->shape.fpstate;
    memcpy(frame_bytes(vm), &vm->frame, sizeof vm->frame);
    return SCONCE_PLUGIN_OK;
}

/* ---- The extension ------------------------------------------------------------------------- */

static int32_t prepare(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_process_regs_check(vm, file, sconce_x86_file_bytes(file), bytes, err);

    if (r == SCONCE_PLUGIN_OK)
        process_x86_settle(process_x86(vm));
    return r;
}

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    const struct process_x86_vm *own = process_x86(vm);
    int32_t r = prepare(vm, file, bytes, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    switch (file) {
    case SCONCE_REGS_STANDARD:
        process_x86_get_standard(&own->frame, buf);
        return SCONCE_PLUGIN_OK;
    case SCONCE_REGS_SPECIAL:
        get_special(own, buf);
        return SCONCE_PLUGIN_OK;
    default:
        return get_float(own, buf, err);
    }
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    struct process_x86_vm *own = process_x86(vm);
    int32_t r = prepare(vm, file, bytes, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    switch (file) {
    case SCONCE_REGS_STANDARD:
        return set_standard(own, buf, err);
    case SCONCE_REGS_SPECIAL:
        return set_special(own, buf, err);
    default:
        return set_float(own, buf, err);
    }
}

const struct sconce_ext_regs process_x86_regs = {
    .size = sizeof process_x86_regs,
    .get = get,
    .set = set,
};

const struct sconce_ext_fault process_x86_fault = {
    .size = sizeof process_x86_fault,
    SCONCE_X86_FAULT_PLACES,
    .resume = sconce_process_fault_resume,
};
