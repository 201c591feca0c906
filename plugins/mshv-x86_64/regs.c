/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1 and sconce.fault/1: register files of a stopped VP, as the guest sees them. While
 * the VP stands in the shim, the guest's PC, SP and flags are those of the interrupt frame.
 */
#include <string.h>

#include "arch/x86_64/regs.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/regs.h"

static int32_t read_segment(struct sconce_plugin_vm *vm, uint32_t name, struct hv_segment *to,
                            struct sconce_plugin_error *err)
{
    struct mshv_value value;
    int32_t r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, &name, &value, 1,
                                          "read a segment register", err);

    if (r == SCONCE_PLUGIN_OK)
        memcpy(to, &value, sizeof *to);
    return r;
}

/* The value of a segment register with another base. */
static int32_t with_base(struct sconce_plugin_vm *vm, uint32_t name, uint64_t base,
                         struct mshv_register *ret_register, struct sconce_plugin_error *err)
{
    struct hv_segment segment;
    int32_t r = read_segment(vm, name, &segment, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    segment.base = base;
    *ret_register = (struct mshv_register){.name = name};
    memcpy(&ret_register->value, &segment, sizeof segment);
    return r;
}

#define SET_BASE "set a segment's base"

int32_t mshv_x86_set_fs_base(struct sconce_plugin_vm *vm, uint64_t base,
                             struct sconce_plugin_error *err)
{
    struct mshv_register to;
    int32_t r = with_base(vm, HV_FS, base, &to, err);

    return r == SCONCE_PLUGIN_OK
               ? sconce_mshv_set_registers(vm->mshv.machine.vp_fd, &to, 1, SET_BASE, err)
               : r;
}

/* After this the VP is at one of two known places: IN_GUEST or IN_SHIM. Which ring it is in is
 * SS's DPL (SDM vol 3A 5.5). */
static int32_t settle(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct hv_segment ss;
    int32_t r;

    if (vm->x86.place != SCONCE_X86_ANYWHERE)
        return SCONCE_PLUGIN_OK;
    r = mshv_x86_general_fetch(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = read_segment(vm, HV_SS, &ss, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (sconce_x86_look(&vm->x86, vm->mshv.memory.gpa_max, (ss.rights >> 5 & 3) == 3,
                        vm->general.rip))
        return SCONCE_PLUGIN_OK;
    return sconce_regs_invalid(err, "the VP stopped where it has none");
}

/* ---- Standard ------------------------------------------------------------------------------ */

static int32_t get_standard(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    int32_t r = mshv_x86_read_standard(vm, buf, err);

    if (r == SCONCE_PLUGIN_OK)
        sconce_x86_show_standard(&vm->x86, vm->mshv.own, buf);
    return r;
}

static int32_t set_standard(struct sconce_plugin_vm *vm, const void *buf,
                            struct sconce_plugin_error *err)
{
    struct sconce_x86_standard now, to;
    int32_t r;

    memcpy(&to, buf, sizeof to);
    if (!sconce_x86_standard_valid(&to))
        return sconce_regs_invalid(err, "PC or flags are none that a guest could have");
    r = mshv_x86_read_standard(vm, &now, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_x86_put_standard(&vm->x86, vm->mshv.own, vm->mshv.memory.gpa_max, &now, &to);
    mshv_x86_write_standard(vm, &to);
    return SCONCE_PLUGIN_OK;
}

/* ---- Special ------------------------------------------------------------------------------- */

enum { CS, SS, DS, ES, FS, GS, KERNEL_GS, CR0, CR2, CR3, CR4, EFER, XFEM, SPECIALS };

static uint64_t selector_of(const struct mshv_value *value)
{
    struct hv_segment segment;

    memcpy(&segment, value, sizeof segment);
    return segment.selector;
}

static int32_t get_special(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    static const uint32_t names[SPECIALS] = {
        [CS] = HV_CS,     [SS] = HV_SS,   [DS] = HV_DS,
        [ES] = HV_ES,     [FS] = HV_FS,   [GS] = HV_GS,
        [CR0] = HV_CR0,   [CR2] = HV_CR2, [KERNEL_GS] = HV_KERNEL_GS_BASE,
        [CR3] = HV_CR3,   [CR4] = HV_CR4, [EFER] = HV_EFER,
        [XFEM] = HV_XFEM,
    };
    struct sconce_x86_special *to = buf;
    struct mshv_value v[SPECIALS] = {0};
    int32_t r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, names, v,
                                          vm->x86.control.xcr0 ? SPECIALS : SPECIALS - 1,
                                          "read special registers", err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    *to = (struct sconce_x86_special){
        .fs_base = v[FS].low,
        .gs_base = v[GS].low,
        .kernel_gs_base = v[KERNEL_GS].low,
        .cr0 = v[CR0].low,
        .cr2 = v[CR2].low,
        .cr3 = v[CR3].low,
        .cr4 = v[CR4].low,
        .efer = v[EFER].low,
        .xcr0 = v[XFEM].low,
        .cs = selector_of(&v[CS]),
        .ss = selector_of(&v[SS]),
        .ds = selector_of(&v[DS]),
        .es = selector_of(&v[ES]),
        .fs = selector_of(&v[FS]),
        .gs = selector_of(&v[GS]),
    };
    sconce_x86_show_special(&vm->x86, vm->mshv.own, to);
    return SCONCE_PLUGIN_OK;
}

static int32_t set_special(struct sconce_plugin_vm *vm, const void *buf,
                           struct sconce_plugin_error *err)
{
    struct mshv_register bases[2];
    struct sconce_x86_special now, to;
    const char *problem;
    int32_t r = get_special(vm, &now, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    memcpy(&to, buf, sizeof to);
    problem = sconce_x86_special_problem(&now, &to);
    if (problem)
        return sconce_regs_invalid(err, problem);
    r = with_base(vm, HV_FS, to.fs_base, &bases[0], err);
    if (r == SCONCE_PLUGIN_OK)
        r = with_base(vm, HV_GS, to.gs_base, &bases[1], err);
    /* Both at once: a guest with one of them would be neither the old one nor the new one. */
    return r == SCONCE_PLUGIN_OK
               ? sconce_mshv_set_registers(vm->mshv.machine.vp_fd, bases, 2, SET_BASE, err)
               : r;
}

/* ---- Float --------------------------------------------------------------------------------- */

static int32_t read_xsave(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_mshv_state_get(vm->mshv.machine.vp_fd, MSHV_STATE_XSAVE, &vm->xsave,
                                 "read floating-point and SIMD registers", err);
}

static int32_t write_xsave(struct sconce_plugin_vm *vm, const char *what,
                           struct sconce_plugin_error *err)
{
    sconce_x86_xsave_set_xcomp_bv(vm->xsave.at, vm->xcomp_bv);
    return sconce_mshv_state_set(vm->mshv.machine.vp_fd, MSHV_STATE_XSAVE, &vm->xsave, what, err);
}

static int32_t strange_xsave(int32_t status, uint64_t xcomp_bv, struct sconce_plugin_error *err)
{
    return sconce_plugin_fail(err, status, SCONCE_DOMAIN_PLUGIN, (int64_t)xcomp_bv, NULL,
                              "the hypervisor keeps SIMD state in a way that this backend does not "
                              "know");
}

/* Which components the area has may depend on XCR0, and whether XCR0 can be set on CR4.OSXSAVE (SDM
 * vol 2D, XSETBV). */
int32_t mshv_x86_float_prepare(struct sconce_plugin_vm *vm, const struct mshv_x86_facts *facts,
                               struct sconce_plugin_error *err)
{
    const struct mshv_register control[] = {
        mshv_x86_register(HV_CR4, vm->x86.control.cr4),
        mshv_x86_register(HV_XFEM, vm->x86.control.xcr0),
    };
    int32_t r = SCONCE_PLUGIN_OK;

    if (vm->x86.control.xcr0)
        r = sconce_mshv_set_registers(vm->mshv.machine.vp_fd, control, 2, "set XCR0", err);
    if (r == SCONCE_PLUGIN_OK)
        r = read_xsave(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm->xcomp_bv = sconce_x86_xsave_xcomp_bv(vm->xsave.at);
    if (sconce_x86_xsave_compacted(facts->cpuid, facts->cpuid_count, vm->xcomp_bv, vm->xsave.bytes,
                                   &vm->x86.xsave))
        return SCONCE_PLUGIN_OK;
    return strange_xsave(SCONCE_PLUGIN_E_UNAVAILABLE, vm->xcomp_bv, err);
}

int32_t mshv_x86_float_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    sconce_x86_xsave_init(vm->xsave.at, vm->xsave.bytes);
    return write_xsave(vm, "reset floating-point and SIMD registers", err);
}

static int32_t get_float(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    int32_t r = read_xsave(vm, err);
    uint64_t xcomp_bv;

    if (r != SCONCE_PLUGIN_OK)
        return r;
    xcomp_bv = sconce_x86_xsave_xcomp_bv(vm->xsave.at);
    if (xcomp_bv != vm->xcomp_bv)
        return strange_xsave(SCONCE_PLUGIN_E_SYSTEM, xcomp_bv, err);
    sconce_x86_xsave_complete(vm->xsave.at);
    sconce_x86_xsave_unpack(&vm->x86.xsave, vm->xsave.at, buf);
    return SCONCE_PLUGIN_OK;
}

static int32_t set_float(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    if (!sconce_x86_xsave_pack(&vm->x86.xsave, buf, vm->xsave.at, vm->xsave.bytes))
        return sconce_regs_invalid(
            err, "the floating-point and SIMD ones are none that a guest could have");
    return write_xsave(vm, "set floating-point and SIMD registers", err);
}

/* ---- Debug --------------------------------------------------------------------------------- */

#define DEBUGS 6u

static int32_t get_debug(struct sconce_plugin_vm *vm, void *buf, struct sconce_plugin_error *err)
{
    static const uint32_t names[DEBUGS] = {HV_DR0,     HV_DR0 + 1, HV_DR0 + 2,
                                           HV_DR0 + 3, HV_DR6,     HV_DR7};
    struct sconce_x86_debug *to = buf;
    struct mshv_value v[DEBUGS];
    int32_t r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, names, v, DEBUGS,
                                          "read debug registers", err);

    if (r == SCONCE_PLUGIN_OK)
        *to = (struct sconce_x86_debug){
            .dr = {v[0].low, v[1].low, v[2].low, v[3].low}, .dr6 = v[4].low, .dr7 = v[5].low};
    return r;
}

static int32_t set_debug(struct sconce_plugin_vm *vm, const void *buf,
                         struct sconce_plugin_error *err)
{
    const struct sconce_x86_debug *from = buf;
    const struct mshv_register to[DEBUGS] = {
        mshv_x86_register(HV_DR0, from->dr[0]),     mshv_x86_register(HV_DR0 + 1, from->dr[1]),
        mshv_x86_register(HV_DR0 + 2, from->dr[2]), mshv_x86_register(HV_DR0 + 3, from->dr[3]),
        mshv_x86_register(HV_DR6, from->dr6),       mshv_x86_register(HV_DR7, from->dr7),
    };

    if (!sconce_x86_debug_valid(from))
        return sconce_regs_invalid(
            err, "the debug ones have reserved bits, or an address beyond the guest");
    return sconce_mshv_set_registers(vm->mshv.machine.vp_fd, to, DEBUGS, "set debug registers",
                                     err);
}

/* ---- The extension ------------------------------------------------------------------------- */

static const struct sconce_regs_file files[] = {
    [SCONCE_REGS_STANDARD] = {get_standard, set_standard},
    [SCONCE_REGS_SPECIAL] = {get_special, set_special},
    [SCONCE_REGS_FLOAT] = {get_float, set_float},
    [SCONCE_REGS_DEBUG] = {get_debug, set_debug},
};

static int32_t prepare(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                       struct sconce_plugin_error *err)
{
    int32_t r = sconce_regs_check(vm->mshv.state, vm->mshv.sealed, file,
                                  sconce_x86_file_bytes(file), bytes, err);

    return r == SCONCE_PLUGIN_OK ? settle(vm, err) : r;
}

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].get(vm, buf, err) : r;
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    int32_t r = prepare(vm, file, bytes, err);

    return r == SCONCE_PLUGIN_OK ? files[file].set(vm, buf, err) : r;
}

const struct sconce_ext_regs mshv_x86_regs = {
    .size = sizeof mshv_x86_regs,
    .get = get,
    .set = set,
};

static int32_t resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_vcpu_resume(&vm->mshv.state, err);
}

const struct sconce_ext_fault mshv_x86_fault = {
    .size = sizeof mshv_x86_fault,
    SCONCE_X86_FAULT_PLACES,
    .resume = resume,
};
