/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's KVM can do, found out once and kept: address bits, what the processor has,
 * and by a tiny guest that the shim's reports arrive. Nothing stays open.
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/trial.h"
#include "sconce-guest-abi.h"

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

#define HINT_PROCESS "use isolation = process: a weaker wall that needs no hypervisor"

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

#define TRIAL_NUMBER 77u

/* All ones in a vector register: movi vN.16b, #255. */
#define FILL(n) (0x4f07e7e0u | (n))
#define FILL_8(n)                                                                                  \
    FILL(n), FILL((n) + 1), FILL((n) + 2), FILL((n) + 3), FILL((n) + 4), FILL((n) + 5),            \
        FILL((n) + 6), FILL((n) + 7)

/* FP and SIMD registers are filled. Then a doorbell, a system call whose result is looked at, and
 * what only EL1 may do (not WFI: that may be over before it is trapped, Arm ARM
 * D17.2.118, nTWI). */
static const uint32_t trial_code[] = {
    0x92800000, /* mov x0, #-1 */
    0xd51b4420, /* msr fpsr, x0 */
    0xd2a0f800, /* mov x0, #0x07c00000 */
    0xd51b4400, /* msr fpcr, x0 */
    FILL_8(0),  /* V0 to V7 */
    FILL_8(8),  /* V8 to V15 */
    FILL_8(16), /* V16 to V23 */
    FILL_8(24), /* V24 to V31 */
    0xd28009a0, /* mov x0, #77 */
    0xd40b81c1, /* svc #0x5c0e */
    0xd28009a8, /* mov x8, #77 */
    0xd4000001, /* svc #0 */
    0xf100041f, /* cmp x0, #1 */
    0x54000041, /* b.ne .+8 */
    0xd50342df, /* msr daifset, #2 */
    0x00000000, /* udf #0 */
};

static bool is_bell(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_DOORBELL && exit->u.doorbell.number == TRIAL_NUMBER;
}

static bool is_syscall(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_SYSCALL && exit->u.syscall.raw_nr == TRIAL_NUMBER;
}

static bool is_denied(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_FAULT && exit->u.fault.kind == SCONCE_FAULT_PRIVILEGE;
}

/*
 * Vectors that do not work are an exception after the other, for ever: there is no third one that
 * stops the processor, as there is on x86_64. So the trial has until its virtual timer fires, each
 * time that it runs. KVM has that timer without an interrupt controller, too, and comes back at
 * least once when its output has changed (Documentation/virt/kvm/api.rst, KVM_CAP_ARM_USER_IRQ);
 * the guest sees nothing of it, having interrupts masked. No guest of others can reach a timer
 * (CNTKCTL_EL1), and the next KVM_ARM_VCPU_INIT turns it off.
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

/* Runs the trial in a VM of its own, to its end or to the first exit that is not as it must be.
 * @ret_step: how many were. */
static int32_t run_trial(struct kvm_a64_facts *facts, const struct sconce_trial *trial,
                         struct sconce_exit *exit, unsigned *ret_step,
                         struct sconce_plugin_error *err)
{
    static bool (*const expected[])(const struct sconce_exit *) = {is_bell, is_syscall, is_denied};
    struct sconce_plugin_vm *vm = NULL;
    unsigned step = 0;
    int32_t r = kvm_a64_vm_create_with(facts, &trial->config, &vm, err);

    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_mem_map(vm, &trial->memory, &trial->mapping, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_a64_vcpu_enter(vm, &trial->entry, err);
    while (r == SCONCE_PLUGIN_OK && step < sizeof expected / sizeof expected[0]) {
        r = limit_run(vm, err);
        if (r == SCONCE_PLUGIN_OK)
            r = kvm_a64_vcpu_run(vm, exit, err);
        if (r != SCONCE_PLUGIN_OK || !expected[step](exit))
            break;
        step++;
        if (exit->kind == SCONCE_EXIT_SYSCALL)
            r = kvm_a64_vcpu_complete(vm, 1, err);
    }
    if (r == SCONCE_PLUGIN_OK && step == sizeof expected / sizeof expected[0])
        r = kvm_a64_try_init(vm, &facts->init_clears_all, err);
    kvm_a64_vm_destroy(vm);
    *ret_step = step;
    return r;
}

static int32_t try_guest(struct kvm_a64_facts *facts, struct sconce_plugin_error *err)
{
    static const char *const what[] = {
        "a guest's doorbell does not arrive as it must",
        "a guest's system call does not arrive as it must",
        "a guest's privileged instruction does not arrive as it must",
    };
    SCONCE_CLEANUP(sconce_trial_fini) struct sconce_trial trial = SCONCE_TRIAL_EMPTY;
    struct sconce_exit exit = {.size = sizeof exit};
    unsigned step = 0;
    int32_t r = sconce_trial_init(&trial, trial_code, sizeof trial_code, err);

    if (r == SCONCE_PLUGIN_OK)
        r = run_trial(facts, &trial, &exit, &step, err);
    if (r != SCONCE_PLUGIN_OK || step == sizeof what / sizeof what[0])
        return r;
    return sconce_trial_failed(&exit, "KVM", what[step], err);
}

/* ---- Facts --------------------------------------------------------------------------------- */

/* What only a VM tells: the processor that guests get, and what it has. */
static int32_t read_processor(int device_fd, struct kvm_a64_facts *facts,
                              struct sconce_plugin_error *err)
{
    struct sconce_kvm_machine machine = SCONCE_KVM_MACHINE_EMPTY;
    struct kvm_vcpu_init init;
    int32_t r = sconce_kvm_machine_init(&machine, device_fd, facts->vm_type, err);

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

static int32_t check_processor(const struct kvm_a64_facts *facts, struct sconce_plugin_error *err)
{
    unsigned bits = sconce_a64_address_bits(&facts->features);

    if (bits < SCONCE_A64_PHYSICAL_BITS)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  HINT_PROCESS,
                                  "guests want addresses of %u bits; this processor has %u",
                                  SCONCE_A64_PHYSICAL_BITS, bits);
    if (!sconce_a64_small_pages(&facts->features))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  HINT_PROCESS, "this processor has no pages of 4 KiB");
    return SCONCE_PLUGIN_OK;
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
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, HINT_PROCESS,
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
        r = check_processor(facts, err);
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
