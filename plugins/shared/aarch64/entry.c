/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest begins with, and the answer to its system call. */
#include <inttypes.h>

#include "arch/aarch64/regs.h"
#include "plugins/shared/aarch64/vcpu.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

int32_t sconce_a64_check_processor(const struct sconce_a64_features *features,
                                   struct sconce_plugin_error *err)
{
    unsigned bits = sconce_a64_address_bits(features);

    if (bits < SCONCE_A64_PHYSICAL_BITS)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  SCONCE_A64_HINT_PROCESS,
                                  "guests want addresses of %u bits; this processor has %u",
                                  SCONCE_A64_PHYSICAL_BITS, bits);
    if (!sconce_a64_small_pages(features))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  SCONCE_A64_HINT_PROCESS, "this processor has no pages of 4 KiB");
    return SCONCE_PLUGIN_OK;
}

static int32_t check_entry(const struct sconce_entry *entry, struct sconce_plugin_error *err)
{
    uint64_t value;
    const char *problem = sconce_a64_entry_problem(entry, &value);

    return sconce_given_entry_holds(problem, value, err);
}

static int32_t set_entry(struct sconce_a64_vcpu *vcpu, const struct sconce_entry *entry,
                         struct sconce_plugin_error *err)
{
    const struct sconce_a64_reg regs[] = {
        {SCONCE_A64_PC, entry->pc},         {SCONCE_A64_SP_EL0, entry->sp},
        {SCONCE_A64_X(0), entry->args[0]},  {SCONCE_A64_X(1), entry->args[1]},
        {SCONCE_A64_TPIDR_EL0, entry->tls},
    };

    return vcpu->access->set(vcpu->vm, regs, sizeof regs / sizeof regs[0], err);
}

int32_t sconce_a64_vcpu_enter(struct sconce_a64_vcpu *vcpu, const struct sconce_entry *given,
                              int32_t (*seal)(struct sconce_plugin_vm *,
                                              struct sconce_plugin_error *),
                              struct sconce_plugin_error *err)
{
    struct sconce_entry entry;
    int32_t r;

    if (*vcpu->state != SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(*vcpu->state, "enter the guest", err);
    r = sconce_given_entry(given, &entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_entry(&entry, err);
    if (r == SCONCE_PLUGIN_OK && !vcpu->own)
        r = seal(vcpu->vm, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    r = set_entry(vcpu, &entry, err);
    *vcpu->state = r == SCONCE_PLUGIN_OK ? SCONCE_VCPU_RUNNABLE : SCONCE_VCPU_DEAD;
    return r;
}

int32_t sconce_a64_vcpu_set_tls(struct sconce_a64_vcpu *vcpu, uint64_t tls,
                                struct sconce_plugin_error *err)
{
    const struct sconce_a64_reg reg = {SCONCE_A64_TPIDR_EL0, tls};

    if (*vcpu->state == SCONCE_VCPU_DEAD || *vcpu->state == SCONCE_VCPU_FRESH)
        return sconce_vcpu_refuse(*vcpu->state, "set the thread pointer", err);
    if (!sconce_a64_untagged(tls))
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot set the thread pointer: 0x%" PRIx64 " is an address of neither half", tls);
    return vcpu->access->set(vcpu->vm, &reg, 1, err);
}

int32_t sconce_a64_vcpu_complete(struct sconce_a64_vcpu *vcpu, int64_t result,
                                 struct sconce_plugin_error *err)
{
    const struct sconce_a64_reg x0 = {SCONCE_A64_X(0), (uint64_t)result};
    int32_t r = SCONCE_PLUGIN_OK;

    if (*vcpu->state != SCONCE_VCPU_SYSCALL)
        return sconce_vcpu_refuse(*vcpu->state, "answer a system call", err);
    if (vcpu->place == SCONCE_A64_AT_REPORT)
        sconce_a64_save(vcpu)->x[0] = (uint64_t)result;
    else
        r = vcpu->access->set(vcpu->vm, &x0, 1, err);
    if (r == SCONCE_PLUGIN_OK)
        *vcpu->state = SCONCE_VCPU_RUNNABLE;
    return r;
}
