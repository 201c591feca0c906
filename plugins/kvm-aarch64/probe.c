/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's KVM can do, found out once and kept: address bits, what the processor has,
 * and by a tiny guest that the shim's reports arrive. Nothing stays open.
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/aarch64/trial.h"
#include "plugins/shared/plugin-error.h"

static const struct sconce_kvm_cap required[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_SYNC_MMU, "KVM_CAP_SYNC_MMU"},
    {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER"},
    {KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ"},
};

static const struct sconce_kvm_needs needs = {
    .caps = required,
    .cap_count = sizeof required / sizeof required[0],
    .no_device = "have the firmware start the kernel at EL2, turn on nested virtualization when "
                 "this is a virtual machine, or pass the device into the container",
};

/* What KVM gives without KVM_CAP_ARM_VM_IPA_SIZE: Documentation/virt/kvm/api.rst 4.2. */
#define DEFAULT_IPA_BITS 40u

/* The facts are found out anew when the device changes. */
static struct sconce_settings settings = SCONCE_KVM_SETTINGS;
static struct kvm_a64_facts kept;

int32_t kvm_a64_configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    return sconce_settings_configure(&settings, key, value, err);
}

int32_t kvm_a64_open(const char *device, int *ret_fd, struct sconce_plugin_error *err)
{
    return sconce_kvm_open(device, &needs, ret_fd, err);
}

/* ---- The trial ----------------------------------------------------------------------------- */

/*
 * The trial has until its virtual timer fires, each time that it runs. KVM has that timer without
 * an interrupt controller, too, and comes back at least once when its output has changed
 * (Documentation/virt/kvm/api.rst, KVM_CAP_ARM_USER_IRQ); the guest sees nothing of it, having
 * interrupts masked. No guest of others can reach a timer (CNTKCTL_EL1), and the next
 * KVM_ARM_VCPU_INIT turns it off.
 */
#define TRIAL_SECONDS 10u

static bool timer_has_fired(const struct kvm_run *run)
{
    return run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER;
}

/* CNTV_CTL_EL0: Arm ARM D17.11.17. ENABLE; not masked. */
static int32_t limit_run(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    int fd = vm->kvm.machine.vcpu_fd;
    uint64_t ticks_a_second, now = 0;
    int32_t r = kvm_a64_get(fd, KVM_REG_ARM_TIMER_CNT, &now, err);

    __asm__("mrs %0, cntfrq_el0" : "=r"(ticks_a_second));
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_REG_ARM_TIMER_CVAL, now + TRIAL_SECONDS * ticks_a_second, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_set_u64(fd, KVM_REG_ARM_TIMER_CTL, 1, err);
    vm->kvm.machine.has_expired = timer_has_fired;
    return r;
}

static int32_t run_limited(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                           struct sconce_plugin_error *err)
{
    int32_t r = limit_run(vm, err);

    return r == SCONCE_PLUGIN_OK ? kvm_a64_vcpu_run(vm, ret_exit, err) : r;
}

static int32_t try_guest(struct kvm_a64_facts *facts, struct sconce_plugin_error *err)
{
    static const struct sconce_a64_trial_ops ops = {
        .mem_map = kvm_a64_mem_map,
        .enter = kvm_a64_vcpu_enter,
        .run = run_limited,
        .complete = kvm_a64_vcpu_complete,
    };
    SCONCE_CLEANUP(sconce_trial_fini) struct sconce_trial trial = SCONCE_TRIAL_EMPTY;
    struct sconce_plugin_vm *vm = NULL;
    int32_t r = sconce_a64_trial_init(&trial, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_vm_create_with(facts, &trial.config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_trial_run(&trial, vm, &ops, "KVM", err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_try_init(vm, &facts->init_clears_all, err);
    kvm_a64_vm_destroy(vm);
    return r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

/* What only a VM tells: the processor that guests get, and what it has. */
static int32_t read_processor(int device_fd, struct kvm_a64_facts *facts,
                              struct sconce_plugin_error *err)
{
    struct sconce_kvm_machine machine = SCONCE_KVM_MACHINE_EMPTY;
    struct kvm_vcpu_init init;
    int32_t r = sconce_kvm_machine_init(&machine, device_fd, facts->vm_type, false, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_target(machine.vm_fd, &init, err);
    if (r == SCONCE_PLUGIN_OK && sconce_kvm_ioctl(machine.vcpu_fd, KVM_ARM_VCPU_INIT, &init) < 0)
        r = sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                               errno == EINVAL ? KVM_A64_HINT_KINDS : KVM_A64_HINT_OLD,
                               "cannot initialize a KVM vCPU");
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_features_read(machine.vcpu_fd, &facts->features, err);
    sconce_kvm_machine_fini(&machine);
    return r;
}

/* Before there is a VM: KVM makes none with more bits than it has. */
static int32_t read_address_bits(int device_fd, struct kvm_a64_facts *facts,
                                 struct sconce_plugin_error *err)
{
    int given = sconce_kvm_check_extension(device_fd, KVM_CAP_ARM_VM_IPA_SIZE);

    facts->ipa_bits = given ? (unsigned)given : DEFAULT_IPA_BITS;
    /* As few bits as suffice: what a guest cannot have needs no table. 0 is the default's type. */
    facts->vm_type = given ? KVM_VM_TYPE_ARM_IPA_SIZE(SCONCE_A64_PHYSICAL_BITS) : 0;
    if (facts->ipa_bits >= SCONCE_A64_PHYSICAL_BITS)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                              SCONCE_A64_HINT_PROCESS,
                              "guests want addresses of %u bits; KVM gives %u",
                              SCONCE_A64_PHYSICAL_BITS, facts->ipa_bits);
}

static int32_t discover(const char *device, void *to, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    struct kvm_a64_facts *facts = to;
    int32_t r = kvm_a64_open(device, &fd, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    snprintf(facts->device, sizeof facts->device, "%s", device);
    facts->init_clears_all = false;
    facts->read_only_slots = sconce_kvm_check_extension(fd, KVM_CAP_READONLY_MEM) > 0;
    r = read_address_bits(fd, facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = read_processor(fd, facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_a64_check_processor(&facts->features, err);
    return r == SCONCE_PLUGIN_OK ? try_guest(facts, err) : r;
}

int32_t kvm_a64_facts(struct kvm_a64_facts *ret_facts, struct sconce_plugin_error *err)
{
    return sconce_settings_facts(&settings, discover, &kept, sizeof kept, ret_facts, err);
}

/* Known facts do not tell whether the device may be opened now. */
static int32_t check_device(const char *device, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;

    return kvm_a64_open(device, &fd, err);
}

int32_t kvm_a64_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct kvm_a64_facts facts;
    int32_t r = sconce_settings_probe_room(ret_probe, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_facts(&facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_device(facts.device, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    sconce_kvm_probe_fill(ret_probe, SCONCE_A64_PAGE,
                          "KVM API 12, IPA %u bits, %u breakpoints, %u watchpoints%s",
                          facts.ipa_bits, SCONCE_A64_DFR0_BREAKPOINTS(facts.features.dfr0),
                          SCONCE_A64_DFR0_WATCHPOINTS(facts.features.dfr0),
                          SCONCE_A64_MMFR1_PAN(facts.features.mmfr1) ? ", PAN" : "");
    return SCONCE_PLUGIN_OK;
}
