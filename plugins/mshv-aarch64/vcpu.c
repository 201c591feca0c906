/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, running, answering, kicking and scrubbing the VP. */
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/mshv/hypercall.h"

/* ---- Scrubbing ---------------------------------------------------------------------------- */

int32_t mshv_a64_scrub(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = sconce_mshv_set_registers(vm->mshv.machine.vp_fd, vm->reset, vm->reset_count,
                                          "reset the VP's registers", err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_a64_save_clear(vm->mshv.own);
    sconce_mshv_forget_kick(&vm->mshv.kick);
    vm->a64.place = SCONCE_A64_IN_GUEST;
    vm->mshv.state = SCONCE_VCPU_FRESH;
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_a64_vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    return sconce_mshv_vcpu_reset(vm, &vm->mshv, mshv_a64_scrub, err);
}

/* ---- Entering and answering ------------------------------------------------------------------ */

int32_t mshv_a64_vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *given,
                            struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_enter(&vm->a64, given, mshv_a64_seal, err);
}

int32_t mshv_a64_vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                              struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_set_tls(&vm->a64, tls, err);
}

int32_t mshv_a64_vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                               struct sconce_plugin_error *err)
{
    return sconce_a64_vcpu_complete(&vm->a64, result, err);
}

/* ---- Running ------------------------------------------------------------------------------- */

/* PC is behind a store that was reported already, so nothing is left for the run to write. */
int32_t mshv_a64_vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                          struct sconce_plugin_error *err)
{
    bool entered = false;
    int outcome;
    int32_t r = sconce_mshv_vcpu_run(vm, &vm->mshv, NULL, ret_exit, &outcome, &entered, err);

    if (r != SCONCE_PLUGIN_OK || !entered)
        return r;
    if (outcome == SCONCE_MSHV_EXITED)
        mshv_a64_decode(vm, ret_exit);
    else if (outcome == SCONCE_MSHV_CANCELLED)
        vm->a64.place = SCONCE_A64_ANYWHERE;
    return SCONCE_PLUGIN_OK;
}

void mshv_a64_vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    sconce_mshv_kick(&vm->mshv.kick);
}
