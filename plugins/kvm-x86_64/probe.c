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
#include "sconce-guest-abi.h"

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
static struct sconce_kvm_settings settings = SCONCE_KVM_SETTINGS;
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
    kept.tss_available = available;
    settings.known = false;
    sconce_lock_give(&settings.lock);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    if (strcmp(key, "device") == 0)
        return sconce_kvm_set_device(&settings, value, err);
    if (strcmp(key, "tss") == 0)
        return set_tss(value, err);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                              "the settings are device and tss", "there is no setting %s", key);
}

int32_t kvm_x86_open(const char *device, int *ret_fd, struct sconce_plugin_error *err)
{
    return sconce_kvm_open(device, &needs, ret_fd, err);
}

/* ---- The trial ----------------------------------------------------------------------------- */

#define TRIAL_GPA SCONCE_GPA_MIN

/* Leaves its findings where neither SYSCALL nor the shim writes. */
static const uint8_t trial_code[] = {
    0x31, 0xc0,                   /* xor %eax, %eax */
    0x31, 0xc9,                   /* xor %ecx, %ecx */
    0x0f, 0xa2,                   /* cpuid: leaf 0 */
    0x41, 0x89, 0xc0,             /* mov %eax, %r8d */
    0x41, 0x89, 0xca,             /* mov %ecx, %r10d */
    0x41, 0x89, 0xd4,             /* mov %edx, %r12d */
    0xb8, 0x00, 0x00, 0x00, 0x40, /* mov $0x40000000, %eax */
    0x31, 0xc9,                   /* xor %ecx, %ecx */
    0x0f, 0xa2,                   /* cpuid: leaf SCONCE_X86_CPUID_HYPERVISOR */
    0x41, 0x89, 0xce,             /* mov %ecx, %r14d */
    0x0f, 0x05,                   /* syscall */
};
#define TRIAL_SYSCALL_GPA (TRIAL_GPA + sizeof trial_code - 2)

/* Runs the trial in a VM of its own; it can only end as a fault. */
static int32_t run_trial(const struct kvm_x86_facts *facts, const struct sconce_kvm_trial *trial,
                         struct sconce_exit *ret_exit, struct kvm_regs *ret_regs,
                         struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm = NULL;
    int32_t r = kvm_x86_vm_create_with(facts, &trial->config, &vm, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_mem_map(vm, &trial->memory, &trial->mapping, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_vcpu_enter(vm, &trial->entry, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_vcpu_run(vm, ret_exit, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_regs = kvm_x86_sync(vm)->regs;
    kvm_x86_vm_destroy(vm);
    return r;
}

/* How did the trial's SYSCALL arrive? */
static enum kvm_x86_route route_of(const struct sconce_exit *exit)
{
    const struct sconce_exit_fault *fault = &exit->u.fault;

    if (exit->kind != SCONCE_EXIT_FAULT)
        return KVM_X86_ROUTE_UNKNOWN;
    if (fault->kind == SCONCE_FAULT_ILLEGAL && fault->pc == TRIAL_SYSCALL_GPA)
        return KVM_X86_ROUTE_UD;
    if (fault->kind == SCONCE_FAULT_MEMORY && fault->pc == SCONCE_GPA_MAX + SCONCE_X86_LSTAR_OFFSET)
        return KVM_X86_ROUTE_PF;
    return KVM_X86_ROUTE_UNKNOWN;
}

/* Did the trial see another CPUID than the policy's? */
static bool is_unfiltered(const struct kvm_x86_facts *facts, const struct kvm_regs *regs)
{
    const struct sconce_x86_cpuid basic = {
        .eax = (uint32_t)regs->r8,
        .ecx = (uint32_t)regs->r10,
        .edx = (uint32_t)regs->r12,
    };
    const struct sconce_x86_cpuid hidden = {
        .leaf = SCONCE_X86_CPUID_HYPERVISOR,
        .eax = (uint32_t)regs->rax,
        .ecx = (uint32_t)regs->r14,
        .edx = (uint32_t)regs->rdx,
    };

    return !sconce_x86_cpuid_obeyed(facts->cpuid, facts->cpuid_count, &basic, &hidden);
}

static int32_t try_guest(struct kvm_x86_facts *facts, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_kvm_trial_fini) struct sconce_kvm_trial trial = SCONCE_KVM_TRIAL_EMPTY;
    struct sconce_exit exit = {.size = sizeof exit};
    struct kvm_regs regs;
    int32_t r = sconce_kvm_trial_init(&trial, trial_code, sizeof trial_code, err);

    if (r == SCONCE_PLUGIN_OK)
        r = run_trial(facts, &trial, &exit, &regs, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    facts->route = route_of(&exit);
    if (facts->route != KVM_X86_ROUTE_UNKNOWN) {
        facts->cpuid_unfiltered = is_unfiltered(facts, &regs);
        return SCONCE_PLUGIN_OK;
    }
    return sconce_plugin_fail(
        err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN, exit.kind, NULL,
        "a guest's system call arrives in no known way (exit %u, %s 0x%llx)", exit.kind,
        exit.kind == SCONCE_EXIT_FAIL ? exit.u.fail.text : "fault",
        (unsigned long long)(exit.kind == SCONCE_EXIT_FAULT ? exit.u.fault.detail : 0));
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
    facts->route = KVM_X86_ROUTE_UNKNOWN;
    r = read_features(facts, err);
    return r == SCONCE_PLUGIN_OK ? try_guest(facts, err) : r;
}

int32_t kvm_x86_facts(struct kvm_x86_facts *ret_facts, struct sconce_plugin_error *err)
{
    return sconce_kvm_facts(&settings, discover, &kept, sizeof kept, ret_facts, err);
}

static const char *simd_name(uint64_t xcr0)
{
    if (xcr0 & SCONCE_X86_XCR0_AVX512)
        return "AVX-512";
    return xcr0 & SCONCE_X86_XCR0_AVX ? "AVX" : "SSE";
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
    int32_t r = sconce_kvm_probe_room(ret_probe, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_facts(&facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_device(facts.device, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_kvm_probe_fill(ret_probe, SCONCE_X86_PAGE, "KVM API 12, SYSCALL by %s, %s%s",
                          facts.route == KVM_X86_ROUTE_PF ? "#PF" : "#UD",
                          simd_name(facts.control.xcr0),
                          facts.cpuid_unfiltered ? ", CPUID unfiltered" : "");
    return SCONCE_PLUGIN_OK;
}
