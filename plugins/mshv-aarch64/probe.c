/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's hypervisor can do, found out once and kept: what the processor has, whether
 * each register of a reset can be set, and by a tiny guest that the shim's reports arrive. All of
 * that only if it was asked for, as nobody has seen it work. Nothing stays open.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/aarch64/trial.h"
#include "plugins/shared/exit.h"
#include "plugins/shared/plugin-error.h"

/* The facts are found out anew when a setting changes; unverified is one. */
static struct sconce_settings settings = SCONCE_MSHV_SETTINGS;
static struct mshv_a64_facts kept;

static int32_t set_unverified(const char *value, struct sconce_plugin_error *err)
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "write unverified = yes or unverified = no",
                                  "unverified is neither yes nor no: %s", value);
    sconce_lock_take(&settings.lock);
    if (kept.unverified != yes)
        settings.known = false;
    kept.unverified = yes;
    sconce_lock_give(&settings.lock);
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_a64_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    if (strcmp(key, "device") == 0)
        return sconce_settings_set_device(&settings, value, err);
    if (strcmp(key, "unverified") == 0)
        return set_unverified(value, err);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                              "the settings are device and unverified", "there is no setting %s",
                              key);
}

/* ---- The trial ----------------------------------------------------------------------------- */

#define TRIAL_NS 10000000000ull

static int32_t map_code(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    int32_t r = mshv_a64_mem_map(vm, memory, mapping, err);

    return r == SCONCE_PLUGIN_OK ? mshv_a64_mem_sync_code(vm, mapping->gpa, mapping->bytes, err)
                                 : r;
}

static int32_t run_watched(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                           struct sconce_plugin_error *err)
{
    struct mshv_a64_watch watch;
    int32_t r = mshv_a64_watch_start(&watch, vm, TRIAL_NS, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    r = mshv_a64_vcpu_run(vm, ret_exit, err);
    if (mshv_a64_watch_stop(&watch)) {
        sconce_exit_clear(ret_exit);
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
    }
    return r;
}

static int32_t try_guest(const struct mshv_a64_facts *facts, struct sconce_plugin_error *err)
{
    static const struct sconce_a64_trial_ops ops = {
        .mem_map = map_code,
        .enter = mshv_a64_vcpu_enter,
        .run = run_watched,
        .complete = mshv_a64_vcpu_complete,
    };
    SCONCE_CLEANUP(sconce_trial_fini) struct sconce_trial trial = SCONCE_TRIAL_EMPTY;
    struct sconce_plugin_vm *vm = NULL;
    int32_t r = sconce_a64_trial_init(&trial, err);

    if (r == SCONCE_PLUGIN_OK)
        r = mshv_a64_vm_create_with(facts, &trial.config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_trial_run(&trial, vm, &ops, "hypervisor", err);
    mshv_a64_vm_destroy(vm);
    return r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

/* Of a partition that is made for it and has no memory. */
static int32_t look_at(struct sconce_mshv_machine *machine, struct mshv_a64_facts *facts,
                       struct sconce_plugin_error *err)
{
    int32_t r = mshv_a64_features_read(machine->vp_fd, &facts->features, err);

    facts->has_masks = machine->has_masks;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_check_processor(&facts->features, err);
    return r == SCONCE_PLUGIN_OK ? mshv_a64_reset_try(machine->vp_fd, facts, err) : r;
}

static int32_t check_unverified(const struct mshv_a64_facts *facts, struct sconce_plugin_error *err)
{
    if (facts->unverified)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                              "to try it, set unverified = yes in [backend.mshv-aarch64], run "
                              "tools/verify-backend mshv-aarch64, and send in the report",
                              "nobody has run this backend on Hyper-V yet");
}

static int32_t discover(const char *device, void *to, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_mshv_machine_fini)
    struct sconce_mshv_machine machine = SCONCE_MSHV_MACHINE_EMPTY;
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    struct mshv_a64_facts *facts = to;
    int32_t r = sconce_mshv_open(device, &fd, err);

    if (r == SCONCE_PLUGIN_OK)
        r = check_unverified(facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    snprintf(facts->device, sizeof facts->device, "%s", device);
    r = sconce_mshv_machine_init(&machine, device, fd, &mshv_a64_features, SCONCE_MSHV_MASKS_TRY,
                                 err);
    if (r == SCONCE_PLUGIN_OK)
        r = look_at(&machine, facts, err);
    return r == SCONCE_PLUGIN_OK ? try_guest(facts, err) : r;
}

int32_t mshv_a64_facts(struct mshv_a64_facts *ret_facts, struct sconce_plugin_error *err)
{
    return sconce_settings_facts(&settings, discover, &kept, sizeof kept, ret_facts, err);
}

/* Known facts do not tell whether the device may be opened now. */
static int32_t check_device(const char *device, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;

    return sconce_mshv_open(device, &fd, err);
}

int32_t mshv_a64_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct mshv_a64_facts facts;
    int32_t r = sconce_settings_probe_room(ret_probe, err);

    if (r == SCONCE_PLUGIN_OK)
        r = mshv_a64_facts(&facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_device(facts.device, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_mshv_probe_fill(ret_probe, SCONCE_A64_PAGE,
                           "unverified, %s, %u breakpoints, %u watchpoints%s",
                           facts.has_masks ? "feature masks" : "no feature masks",
                           SCONCE_A64_DFR0_BREAKPOINTS(facts.features.dfr0),
                           SCONCE_A64_DFR0_WATCHPOINTS(facts.features.dfr0),
                           SCONCE_A64_MMFR1_PAN(facts.features.mmfr1) ? ", PAN" : "");
    return SCONCE_PLUGIN_OK;
}
