/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's KVM can do, found out once and kept: CPU features for guests, and by a tiny
 * guest how a SYSCALL arrives and whether CPUID shows the policy. Nothing stays open.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/plugin-error.h"

static const struct sconce_kvm_cap required[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_SYNC_MMU, "KVM_CAP_SYNC_MMU"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
    {KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER"},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
};

static const struct sconce_kvm_needs needs = {
    .caps = required,
    .cap_count = sizeof required / sizeof required[0],
    .no_device = "load the module kvm_intel or kvm_amd (modprobe kvm_amd), turn on virtualization "
                 "in the firmware, nested virtualization when this is a virtual machine, or pass "
                 "the device into the container",
};

/* The facts are found out anew when a setting changes; tss_available is one. */
static struct sconce_settings settings = SCONCE_KVM_SETTINGS;
static struct kvm_x86_facts kept;

/*
 * A processor marks the TSS that it uses as busy (SDM vol 3A 8.2.2), and VT-x takes no other (SDM
 * vol 3C 27.3.1.2). QEMU's emulation of AMD-V looks into the I/O bitmap of an available one only,
 * as its own LTR does not mark TR busy: no doorbell would pass.
 */
static int32_t set_tss(const char *value, struct sconce_plugin_error *err)
{
    bool available = strcmp(value, "available") == 0;

    if (!available && strcmp(value, "busy") != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "write tss = busy, as every processor has it",
                                  "tss is busy or available, not %s", value);
    sconce_lock_take(&settings.lock);
    if (kept.tss_available != available)
        settings.known = false;
    kept.tss_available = available;
    sconce_lock_give(&settings.lock);
    return SCONCE_PLUGIN_OK;
}

/* It is no fact of the machine: what is known stays known. */
static int32_t set_dirty_log(const char *value, struct sconce_plugin_error *err)
{
    bool bitmap = strcmp(value, "bitmap") == 0;

    if (!bitmap && strcmp(value, "ring") != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "write dirty_log = ring; a KVM without one has the bitmap used",
                                  "dirty_log is ring or bitmap, not %s", value);
    sconce_lock_take(&settings.lock);
    kept.dirty_bitmap = bitmap;
    sconce_lock_give(&settings.lock);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    if (strcmp(key, "device") == 0)
        return sconce_settings_set_device(&settings, value, err);
    if (strcmp(key, "tss") == 0)
        return set_tss(value, err);
    if (strcmp(key, "dirty_log") == 0)
        return set_dirty_log(value, err);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                              "the settings are device, dirty_log and tss",
                              "there is no setting %s", key);
}

int32_t kvm_x86_open(const char *device, int *ret_fd, struct sconce_plugin_error *err)
{
    return sconce_kvm_open(device, &needs, ret_fd, err);
}

/* ---- The trial ----------------------------------------------------------------------------- */

static int32_t try_guest(struct kvm_x86_facts *facts, struct sconce_plugin_error *err)
{
    static const struct sconce_x86_trial_ops ops = {
        .mem_map = kvm_x86_mem_map,
        .enter = kvm_x86_vcpu_enter,
        .run = kvm_x86_vcpu_run,
        .read = kvm_x86_read_standard,
    };
    SCONCE_CLEANUP(sconce_trial_fini) struct sconce_trial trial = SCONCE_TRIAL_EMPTY;
    struct sconce_plugin_vm *vm = NULL;
    int32_t r = sconce_x86_trial_init(&trial, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_vm_create_with(facts, &trial.config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_x86_trial_run(&trial, vm, &ops, facts->cpuid, facts->cpuid_count, "KVM",
                                 &facts->found, err);
    kvm_x86_vm_destroy(vm);
    return r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

static int32_t read_features(struct kvm_x86_facts *facts, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    const struct sconce_x86_cpuid *extended;
    int32_t r = kvm_x86_open(facts->device, &fd, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_cpuid_read(fd, facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    facts->read_only_slots = sconce_kvm_check_extension(fd, KVM_CAP_READONLY_MEM) > 0;
    extended = sconce_x86_cpuid_find(facts->cpuid, facts->cpuid_count, 0x80000001u, 0);
    if (!extended || !(extended->edx & SCONCE_X86_CPUID_EXT1_EDX_NX))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "turn on \"execute disable\" in the firmware",
                                  "KVM offers no pages that cannot be executed (NX)");
    sconce_x86_control(facts->cpuid, facts->cpuid_count, &facts->control);
    if (!sconce_x86_xsave_layout(facts->cpuid, facts->cpuid_count, sizeof(struct kvm_xsave),
                                 &facts->xsave))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "KVM describes SIMD state that this backend does not know");
    return SCONCE_PLUGIN_OK;
}

static int32_t discover(const char *device, void *to, struct sconce_plugin_error *err)
{
    struct kvm_x86_facts *facts = to;
    int32_t r;

    snprintf(facts->device, sizeof facts->device, "%s", device);
    facts->found.route = SCONCE_X86_ROUTE_UNKNOWN;
    r = read_features(facts, err);
    return r == SCONCE_PLUGIN_OK ? try_guest(facts, err) : r;
}

int32_t kvm_x86_facts(struct kvm_x86_facts *ret_facts, struct sconce_plugin_error *err)
{
    return sconce_settings_facts(&settings, discover, &kept, sizeof kept, ret_facts, err);
}

/* Known facts do not tell whether the device may be opened now. */
static int32_t check_device(const char *device, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;

    return kvm_x86_open(device, &fd, err);
}

int32_t kvm_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct kvm_x86_facts facts;
    int32_t r = sconce_settings_probe_room(ret_probe, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_facts(&facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_device(facts.device, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_kvm_probe_fill(ret_probe, SCONCE_X86_PAGE, "KVM API 12, SYSCALL by %s, %s%s",
                          facts.found.route == SCONCE_X86_ROUTE_PF ? "#PF" : "#UD",
                          sconce_x86_simd_name(facts.control.xcr0),
                          facts.found.cpuid_unfiltered ? ", CPUID unfiltered" : "");
    return SCONCE_PLUGIN_OK;
}
