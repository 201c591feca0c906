/* SPDX-License-Identifier: Apache-2.0 */
/* The VP's registers for what all backends of aarch64 do with them, and sconce.regs/1: a list is
 * one hypercall. */
#include <string.h>

#include "arch/aarch64/regs.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/mshv/hypercall.h"

static int32_t get_regs(struct sconce_plugin_vm *vm, struct sconce_a64_reg *regs, unsigned count,
                        struct sconce_plugin_error *err)
{
    uint32_t names[MSHV_A64_MAX_RESET] = {0};
    struct mshv_value values[MSHV_A64_MAX_RESET];
    int32_t r;

    for (unsigned i = 0; i < count; i++)
        names[i] = mshv_a64_name(regs[i].id);
    r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, names, values, (uint16_t)count,
                                  "read the VP's registers", err);
    for (unsigned i = 0; r == SCONCE_PLUGIN_OK && i < count; i++)
        regs[i].value = values[i].low;
    return r;
}

static int32_t set_regs(struct sconce_plugin_vm *vm, const struct sconce_a64_reg *regs,
                        unsigned count, struct sconce_plugin_error *err)
{
    struct mshv_register to[MSHV_A64_MAX_RESET];

    for (unsigned i = 0; i < count; i++)
        to[i] = mshv_a64_register(mshv_a64_name(regs[i].id), regs[i].value);
    return sconce_mshv_set_registers(vm->mshv.machine.vp_fd, to, (uint16_t)count,
                                     "set the VP's registers", err);
}

#define FLOATS (SCONCE_A64_V_COUNT + 2u) /* V0 to V31, FPSR, FPCR */

static void name_floats(uint32_t names[FLOATS])
{
    for (unsigned i = 0; i < SCONCE_A64_V_COUNT; i++)
        names[i] = HV_Q(i);
    names[SCONCE_A64_V_COUNT] = HV_FPSR;
    names[SCONCE_A64_V_COUNT + 1] = HV_FPCR;
}

static int32_t get_float(struct sconce_plugin_vm *vm, struct sconce_a64_float *to,
                         struct sconce_plugin_error *err)
{
    uint32_t names[FLOATS];
    struct mshv_value values[FLOATS];
    int32_t r;

    name_floats(names);
    r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, names, values, FLOATS,
                                  "read floating-point registers", err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    for (unsigned i = 0; i < SCONCE_A64_V_COUNT; i++)
        memcpy(to->v[i], &values[i], sizeof to->v[i]);
    to->fpsr = values[SCONCE_A64_V_COUNT].low;
    to->fpcr = values[SCONCE_A64_V_COUNT + 1].low;
    return r;
}

static int32_t set_float(struct sconce_plugin_vm *vm, const struct sconce_a64_float *from,
                         struct sconce_plugin_error *err)
{
    uint32_t names[FLOATS];
    struct mshv_register to[FLOATS];

    name_floats(names);
    for (unsigned i = 0; i < FLOATS; i++)
        to[i] = mshv_a64_register(names[i], 0);
    for (unsigned i = 0; i < SCONCE_A64_V_COUNT; i++)
        memcpy(&to[i].value, from->v[i], sizeof from->v[i]);
    to[SCONCE_A64_V_COUNT].value.low = from->fpsr;
    to[SCONCE_A64_V_COUNT + 1].value.low = from->fpcr;
    return sconce_mshv_set_registers(vm->mshv.machine.vp_fd, to, FLOATS,
                                     "set floating-point registers", err);
}

const struct sconce_a64_access mshv_a64_access = {
    .get = get_regs,
    .set = set_regs,
    .get_float = get_float,
    .set_float = set_float,
};

/* ---- The extension ------------------------------------------------------------------------- */

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    return sconce_a64_regs_get(&vm->a64, file, buf, bytes, err);
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    return sconce_a64_regs_set(&vm->a64, file, buf, bytes, err);
}

const struct sconce_ext_regs mshv_a64_regs = {
    .size = sizeof mshv_a64_regs,
    .get = get,
    .set = set,
};

static int32_t resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_vcpu_resume(&vm->mshv.state, err);
}

const struct sconce_ext_fault mshv_a64_fault = {
    .size = sizeof mshv_a64_fault,
    SCONCE_A64_FAULT_PLACES,
    .resume = resume,
};
