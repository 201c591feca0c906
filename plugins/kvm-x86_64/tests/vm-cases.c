/* SPDX-License-Identifier: Apache-2.0 */
/* test-vm.c for kvm-x86_64: the second walls that are its alone. */
#include "plugins/shared/kvm/tests/vm.h"
#include "plugins/shared/tests/x86_64/code.h"

#include <linux/kvm.h>
#include <string.h>

const uint64_t arch_few_reserved_bytes = 4096;

/* ---- What KVM is told ----------------------------------------------------------------------- */

static struct {
    uint64_t allowed; /* bits of MSRs that a filter lets through */
    uint32_t filters;
} told;

static void note_filter(const struct kvm_msr_filter *filter)
{
    told.filters++;
    for (size_t i = 0; i < sizeof filter->ranges / sizeof filter->ranges[0]; i++)
        for (uint32_t at = 0; at < filter->ranges[i].nmsrs; at += 64) {
            uint64_t word; /* KVM copies the bitmap by whole ones */

            memcpy(&word, filter->ranges[i].bitmap + at / 8, sizeof word);
            told.allowed |= word;
        }
}

int arch_ioctl(int fd, unsigned long request, void *argument)
{
    if (request == KVM_X86_SET_MSR_FILTER)
        note_filter(argument);
    return real_ioctl(fd, request, argument);
}

/* ---- Second walls --------------------------------------------------------------------------- */

static void test_create_denies_every_msr(void **state)
{
    struct fake_guest guest;

    (void)state;
    memset(&told, 0, sizeof told);
    guest_new(&guest, CODE(bells));

    assert_int_equal(told.filters, 1);
    assert_int_equal(told.allowed, 0);
    guest_free(&guest);
}

GUEST(name_of_hypervisor,
      "mov $0x40000000, %eax\n xor %ecx, %ecx\n cpuid\n mov %edx, 0x420000\n" BELL(1));

/* Not every KVM can hide it from ring 3; then nobody is to be told that it does. */
static void test_probe_tells_when_guests_see_the_machines_cpuid(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(name_of_hypervisor));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    assert_ok(ops->probe(&probe, fresh_error()));

    if (guest_data(&guest)[0])
        assert_non_null(strstr(probe.description, ", CPUID unfiltered"));
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_create_denies_every_msr),
    cmocka_unit_test(test_probe_tells_when_guests_see_the_machines_cpuid),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
