/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's hypervisor can do, found out once and kept: what a new partition shows, and
 * by a tiny guest how a SYSCALL arrives and whether CPUID shows the policy. Nothing stays open.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/plugin-error.h"

/* The facts are found out anew when the device changes. */
static struct sconce_settings settings = SCONCE_MSHV_SETTINGS;
static struct mshv_x86_facts kept;

int32_t mshv_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    return sconce_settings_configure(&settings, key, value, err);
}

/* ---- The trial ----------------------------------------------------------------------------- */

/* Its code has no loop, so RUN_VP comes back; what is limited is how often it may come back with
 * nothing but signals, which need not be ours. */
#define TRIAL_SECONDS 10u

static uint64_t trial_deadline(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec + TRIAL_SECONDS) * 1000000000u + (uint64_t)now.tv_nsec;
}

static int32_t try_guest(struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    static const struct sconce_x86_trial_ops ops = {
        .mem_map = mshv_x86_mem_map,
        .enter = mshv_x86_vcpu_enter,
        .run = mshv_x86_vcpu_run,
        .read = mshv_x86_read_standard,
    };
    SCONCE_CLEANUP(sconce_trial_fini) struct sconce_trial trial = SCONCE_TRIAL_EMPTY;
    struct sconce_plugin_vm *vm = NULL;
    int32_t r = sconce_x86_trial_init(&trial, err);

    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_vm_create_with(facts, &trial.config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        vm->mshv.deadline_ns = trial_deadline();
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_x86_trial_run(&trial, vm, &ops, facts->cpuid, facts->cpuid_count, "hypervisor",
                                 &facts->found, err);
    mshv_x86_vm_destroy(vm);
    if (!facts->is_overridden)
        facts->found.cpuid_unfiltered = true;
    return r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

static int32_t check_features(const struct mshv_x86_facts *facts, struct sconce_plugin_error *err)
{
    const struct sconce_x86_cpuid *extended =
        sconce_x86_cpuid_find(facts->cpuid, facts->cpuid_count, 0x80000001u, 0);

    if (extended && (extended->edx & SCONCE_X86_CPUID_EXT1_EDX_NX))
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                              "turn on \"execute disable\" in the firmware",
                              "the hypervisor offers no pages that cannot be executed (NX)");
}

/* Of a partition that is made for it and has no memory. */
static int32_t look_at(struct sconce_mshv_machine *machine, struct mshv_x86_facts *facts,
                       struct sconce_plugin_error *err)
{
    int32_t r = mshv_x86_cpuid_read(machine->vp_fd, facts, err);

    if (r == SCONCE_PLUGIN_OK)
        r = check_features(facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_msrs_find(machine->vp_fd, facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    facts->has_masks = machine->has_masks;
    facts->has_register_page = machine->register_page;
    return mshv_x86_cpuid_try(machine->vp_fd, facts, err);
}

static int32_t discover(const char *device, void *to, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_mshv_machine_fini)
    struct sconce_mshv_machine machine = SCONCE_MSHV_MACHINE_EMPTY;
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    struct mshv_x86_facts *facts = to;
    int32_t r;

    *facts = (struct mshv_x86_facts){.found.route = SCONCE_X86_ROUTE_UNKNOWN};
    snprintf(facts->device, sizeof facts->device, "%s", device);
    r = sconce_mshv_open(device, &fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_mshv_machine_init(&machine, device, fd, &mshv_x86_features,
                                     SCONCE_MSHV_MASKS_TRY, err);
    if (r == SCONCE_PLUGIN_OK)
        r = look_at(&machine, facts, err);
    return r == SCONCE_PLUGIN_OK ? try_guest(facts, err) : r;
}

int32_t mshv_x86_facts(struct mshv_x86_facts *ret_facts, struct sconce_plugin_error *err)
{
    return sconce_settings_facts(&settings, discover, &kept, sizeof kept, ret_facts, err);
}

/* Known facts do not tell whether the device may be opened now. */
static int32_t check_device(const char *device, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;

    return sconce_mshv_open(device, &fd, err);
}

int32_t mshv_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct mshv_x86_facts facts;
    int32_t r = sconce_settings_probe_room(ret_probe, err);

    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_facts(&facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_device(facts.device, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_mshv_probe_fill(ret_probe, SCONCE_X86_PAGE, "%s, %s, SYSCALL by %s, %s%s",
                           facts.has_masks ? "feature masks" : "no feature masks",
                           facts.has_register_page ? "register page" : "no register page",
                           facts.found.route == SCONCE_X86_ROUTE_PF ? "#PF" : "#UD",
                           sconce_x86_simd_name(facts.control.xcr0),
                           facts.found.cpuid_unfiltered ? ", CPUID unfiltered" : "");
    return SCONCE_PLUGIN_OK;
}
