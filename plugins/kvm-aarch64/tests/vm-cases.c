/* SPDX-License-Identifier: Apache-2.0 */
/* test-vm.c for kvm-aarch64: what of the machine a VM needs, and is told when it is not there. */
#include "plugins/shared/kvm/tests/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

const uint64_t arch_few_reserved_bytes = SCONCE_MEM_GRANULE;

/* ---- What KVM is told ----------------------------------------------------------------------- */

static struct {
    bool no_ipa_size; /* answer as a KVM without KVM_CAP_ARM_VM_IPA_SIZE */
    int ipa_bits;     /* not 0: as one that gives so many */
    bool no_vectors;  /* VBAR_EL1 leads nowhere, whatever it is set to */
    int target_errno; /* not 0: KVM_ARM_PREFERRED_TARGET fails so */
    int init_errno;   /* and KVM_ARM_VCPU_INIT */
    uint32_t vms;     /* KVM_CREATE_VM */
    uint32_t targets;
    bool not_cleared; /* as one whose KVM_ARM_VCPU_INIT leaves V31 as it was */
    uint32_t vector_sets;
    unsigned long vm_type;
    struct kvm_vcpu_init init;
    uint32_t inits;
} told;

#define VECTOR(n)                                                                                  \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                        \
     (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4ull * (n)))

#define VBAR_EL1 (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | 0xc600)

/* What is made of a register's ioctl, before and after KVM has seen it. */
static void note_register(unsigned long request, const struct kvm_one_reg *reg)
{
    if (request == KVM_SET_ONE_REG && reg->id >= VECTOR(0) && reg->id <= VECTOR(31))
        told.vector_sets++;
    if (request == KVM_GET_ONE_REG && reg->id == VECTOR(31) && told.not_cleared)
        memset((void *)(uintptr_t)reg->addr, 0xff, 16);
}

int arch_ioctl(int fd, unsigned long request, void *argument)
{
    static const uint64_t unmapped = UNMAPPED_GPA;
    const struct kvm_one_reg nowhere = {.id = VBAR_EL1, .addr = (uint64_t)(uintptr_t)&unmapped};
    int r;

    if (request == KVM_CREATE_VM) {
        told.vm_type = (unsigned long)argument;
        told.vms++;
    }
    if (request == KVM_ARM_PREFERRED_TARGET)
        told.targets++;
    if (request == KVM_ARM_VCPU_INIT) {
        told.init = *(struct kvm_vcpu_init *)argument;
        told.inits++;
    }
    if (request == KVM_CHECK_EXTENSION && told.no_ipa_size &&
        argument == (void *)KVM_CAP_ARM_VM_IPA_SIZE)
        return 0;
    if (request == KVM_CHECK_EXTENSION && told.ipa_bits &&
        argument == (void *)KVM_CAP_ARM_VM_IPA_SIZE)
        return told.ipa_bits;
    errno = request == KVM_ARM_PREFERRED_TARGET ? told.target_errno
            : request == KVM_ARM_VCPU_INIT      ? told.init_errno
                                                : 0;
    if (errno)
        return -1;
    if (request == KVM_SET_ONE_REG && told.no_vectors &&
        ((struct kvm_one_reg *)argument)->id == VBAR_EL1)
        argument = (void *)(uintptr_t)&nowhere;
    r = real_ioctl(fd, request, argument);
    if (r == 0 && (request == KVM_GET_ONE_REG || request == KVM_SET_ONE_REG))
        note_register(request, argument);
    return r;
}

/* ---- What a VM needs ------------------------------------------------------------------------- */

static void test_create_asks_for_as_few_address_bits_as_guests_have(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    assert_int_equal(told.vm_type, 36);
    guest_free(&guest);

    told.no_ipa_size = true;
    find_out_again();
    guest_new(&guest, CODE(bells));
    assert_int_equal(told.vm_type, 0); /* what KVM has without: 40 bits */
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);

    told.no_ipa_size = false;
    find_out_again();
}

static void expect_probe_refused(const char *text, const char *hint)
{
    struct sconce_probe probe = {.size = sizeof probe};

    forget_what_was_found();
    assert_int_equal(ops->probe(&probe, fresh_error()), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_string_equal(error.text, text);
    assert_non_null(strstr(error.hint, hint));
}

static void test_probe_too_few_address_bits_is_told_without_a_vm(void **state)
{
    uint32_t vms = told.vms;

    (void)state;
    told.ipa_bits = 32;
    expect_probe_refused("guests want addresses of 36 bits; KVM gives 32", "isolation = process");
    assert_int_equal(told.vms, vms);

    told.ipa_bits = 0;
    find_out_again();
}

static void test_probe_processor_that_kvm_does_not_know_is_told(void **state)
{
    (void)state;
    told.target_errno = ENODEV;
    expect_probe_refused("KVM knows no processor for guests on this one: No such device",
                         "newer kernel");
    told.target_errno = 0;
    told.init_errno = EINVAL;
    expect_probe_refused("cannot initialize a KVM vCPU: Invalid argument", "taskset");

    told.init_errno = 0;
    find_out_again();
}

/* An exception then leads to the next, within the processor. */
static void test_probe_ends_where_vectors_do_not_work(void **state)
{
    (void)state;
    told.no_vectors = true;
    expect_probe_refused(
        "a guest's doorbell does not arrive as it must (exit 5, its time was over)",
        "please report");

    told.no_vectors = false;
    find_out_again();
}

/* Processors of one machine may be of several kinds: each VM is for that which it is made on. */
static void test_create_asks_what_the_processor_is(void **state)
{
    struct fake_guest guest;
    uint32_t targets;

    (void)state;
    find_out_again();
    targets = told.targets;
    guest_new(&guest, CODE(bells));
    assert_int_equal(told.targets, targets + 1);
    guest_enter(&guest);

    told.init_errno = EINVAL; /* the thread has moved to another kind */
    assert_int_equal(ops->vcpu_reset(guest.vm, fresh_error()), SCONCE_PLUGIN_E_SYSTEM);
    assert_string_equal(error.text, "cannot reset the vCPU: Invalid argument");
    assert_non_null(strstr(error.hint, "taskset"));
    assert_int_equal(ops->vcpu_reset(guest.vm, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    told.init_errno = 0;
    guest_free(&guest);
}

static uint32_t vector_sets_of_a_reset(void)
{
    struct fake_guest guest;

    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    told.vector_sets = 0;
    guest_reset(&guest);
    guest_free(&guest);
    return told.vector_sets;
}

/* The probe looks whether KVM clears them; here it does, as every one known so far. */
static void test_reset_clears_vectors_where_kvm_does_not(void **state)
{
    (void)state;
    assert_int_equal(vector_sets_of_a_reset(), 0);

    told.not_cleared = true;
    find_out_again();
    assert_int_equal(vector_sets_of_a_reset(), 32);

    told.not_cleared = false;
    find_out_again();
}

/* No PSCI, no performance counters, no SVE, no keys; and the same each time. */
static void test_vcpu_has_no_optional_feature(void **state)
{
    struct kvm_vcpu_init first;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(bells));
    told.inits = 0;
    guest_enter(&guest);
    first = told.init;
    for (size_t i = 0; i < sizeof first.features / sizeof first.features[0]; i++)
        assert_int_equal(first.features[i], 0);
    guest_reset(&guest);
    assert_int_equal(told.inits, 2);
    assert_memory_equal(&told.init, &first, sizeof first);
    guest_free(&guest);
}

static void test_create_up_to_no_hosts_page_is_invalid(void **state)
{
    (void)state;
    expect_config_refused(SCONCE_GPA_MAX - 4096, SCONCE_GPA_RESERVED);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_create_asks_for_as_few_address_bits_as_guests_have),
    cmocka_unit_test(test_probe_too_few_address_bits_is_told_without_a_vm),
    cmocka_unit_test(test_probe_processor_that_kvm_does_not_know_is_told),
    cmocka_unit_test(test_probe_ends_where_vectors_do_not_work),
    cmocka_unit_test(test_create_asks_what_the_processor_is),
    cmocka_unit_test(test_reset_clears_vectors_where_kvm_does_not),
    cmocka_unit_test(test_vcpu_has_no_optional_feature),
    cmocka_unit_test(test_create_up_to_no_hosts_page_is_invalid),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
