/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/kvm: settings.c, vm.c and regs.c, as far as no architecture is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/given.h"
#include "plugins/shared/kvm/regs.h"
#include "plugins/shared/kvm/run.h"
#include "plugins/shared/kvm/settings.h"
#include "plugins/shared/kvm/vm.h"
#include "plugins/shared/regs.h"
#include "plugins/shared/trial.h"
#include "sconce-guest-abi.h"

static struct kvm_run run;
static struct sconce_plugin_error error;
static struct {
    int failures; /* of KVM_RUN, with failure_errno */
    int failure_errno;
    uint32_t slots;
    uint32_t read_only_slots;
} kvm;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    const struct kvm_userspace_memory_region *region = argument;

    (void)fd;
    if (request == KVM_SET_USER_MEMORY_REGION) {
        kvm.slots++;
        kvm.read_only_slots += !!(region->flags & KVM_MEM_READONLY);
        return 0;
    }
    if (request == KVM_RUN && kvm.failures-- > 0) {
        errno = kvm.failure_errno;
        return -1;
    }
    return 0;
}

static struct sconce_plugin_error *fresh(void)
{
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    return &error;
}

static int start_over(void **state)
{
    (void)state;
    memset(&kvm, 0, sizeof kvm);
    memset(&run, 0, sizeof run);
    return 0;
}

static struct sconce_vm_config config(void)
{
    return (struct sconce_vm_config){.size = sizeof(struct sconce_vm_config),
                                     .gpa_min = SCONCE_GPA_MIN,
                                     .gpa_max = SCONCE_GPA_MAX,
                                     .reserved_bytes = SCONCE_GPA_RESERVED};
}

static struct sconce_kvm_vm vm_in(enum sconce_vcpu_state state, bool sealed)
{
    const struct sconce_vm_config given = config();
    struct sconce_kvm_vm vm;

    sconce_kvm_vm_init(&vm, &given, true);
    vm.machine.run = &run;
    vm.state = state;
    vm.sealed = sealed;
    return vm;
}

/* ---- Settings ------------------------------------------------------------------------------- */

static unsigned discoveries;
static int32_t discovery_status;

static int32_t discover(const char *device, void *facts, struct sconce_plugin_error *err)
{
    (void)err;
    discoveries++;
    memcpy(facts, device, 5);
    return discovery_status;
}

static void test_facts_are_found_out_once_and_anew_for_another_device(void **state)
{
    struct sconce_settings settings = SCONCE_KVM_SETTINGS;
    char kept[8] = "", copy[8] = "";

    (void)state;
    discoveries = 0;
    discovery_status = SCONCE_PLUGIN_OK;
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            sconce_settings_facts(&settings, discover, kept, sizeof kept, copy, fresh()),
            SCONCE_PLUGIN_OK);
    assert_int_equal(discoveries, 1);
    assert_memory_equal(copy, "/dev/", 5);

    assert_int_equal(sconce_settings_configure(&settings, "device", "/run/kvm", fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(sconce_settings_facts(&settings, discover, kept, sizeof kept, copy, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(discoveries, 2);
    assert_memory_equal(copy, "/run/", 5);
}

static void test_facts_that_were_not_found_are_looked_for_again(void **state)
{
    struct sconce_settings settings = SCONCE_KVM_SETTINGS;
    char kept[8] = "", copy[8] = "xxxxxxx";

    (void)state;
    discoveries = 0;
    discovery_status = SCONCE_PLUGIN_E_UNAVAILABLE;
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            sconce_settings_facts(&settings, discover, kept, sizeof kept, copy, fresh()),
            SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_int_equal(discoveries, 2);
    assert_string_equal(copy, "xxxxxxx");
}

static void test_configure_tells_what_is_wrong(void **state)
{
    struct sconce_settings settings = SCONCE_KVM_SETTINGS;
    char longest[SCONCE_DEVICE_BYTES + 1];

    (void)state;
    assert_int_equal(sconce_settings_configure(&settings, "npt", "1", fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "there is no setting npt");
    assert_string_equal(error.hint, "the only setting is device");
    assert_int_equal(sconce_settings_configure(&settings, "device", "kvm", fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "device is not an absolute path: kvm");
    memset(longest, '/', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(sconce_settings_configure(&settings, "device", longest, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "device is longer than 255 bytes");
    assert_string_equal(settings.device, "/dev/kvm");
}

static void test_probe_wants_room_and_fills_it(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe - 1};

    (void)state;
    assert_int_equal(sconce_settings_probe_room(&probe, fresh()), SCONCE_PLUGIN_E_INVALID);
    probe.size = sizeof probe;
    assert_int_equal(sconce_settings_probe_room(&probe, fresh()), SCONCE_PLUGIN_OK);
    sconce_kvm_probe_fill(&probe, 4096, "KVM of %u", 3u);
    assert_int_equal(probe.size, sizeof probe);
    assert_int_equal(probe.kick_style, SCONCE_KICK_FLAG);
    assert_int_equal(probe.granule, 4096);
    assert_string_equal(probe.description, "KVM of 3");
}

/* ---- Making --------------------------------------------------------------------------------- */

static void expect_config(struct sconce_vm_config given, int32_t status)
{
    struct sconce_vm_config copy;

    assert_int_equal(sconce_given_space(&given, 65536, 36, &copy, fresh()), status);
}

static void test_config_is_aligned_and_within_the_address_bits(void **state)
{
    struct sconce_vm_config given = config();

    (void)state;
    expect_config(given, SCONCE_PLUGIN_OK);
    given.reserved_bytes += 1;
    expect_config(given, SCONCE_PLUGIN_E_INVALID);
    given = config();
    given.gpa_max -= 4096;
    expect_config(given, SCONCE_PLUGIN_E_INVALID);
    given = config();
    given.gpa_min = given.gpa_max;
    expect_config(given, SCONCE_PLUGIN_E_INVALID);
    given = config();
    given.reserved_bytes = UINT64_MAX;
    expect_config(given, SCONCE_PLUGIN_E_INVALID);
}

static void test_own_memory_fits_what_is_reserved(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_FRESH, false);

    (void)state;
    vm.own_limit = 0x30000;
    assert_int_equal(sconce_kvm_own_map(&vm, 0x10000, 0x30000, fresh()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(error.text,
                        "the guest's page tables may take 262144 bytes, but 196608 are reserved");
    assert_int_equal(sconce_kvm_own_map(&vm, UINT64_MAX, 0x10000, fresh()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_null(vm.own);
    assert_int_equal(sconce_kvm_own_map(&vm, 0x10000, 0x20000, fresh()), SCONCE_PLUGIN_OK);
    assert_non_null(vm.own);
    vm.machine.run = NULL;
    sconce_kvm_vm_fini(&vm);
    assert_null(vm.own);
}

static void test_slots_are_read_only_where_kvm_has_such(void **state)
{
    static uint8_t memory[SCONCE_MEM_GRANULE] __attribute__((aligned(4096)));
    const struct sconce_memory object = {
        .size = sizeof object, .bytes = sizeof memory, .host_addr = memory};
    const struct sconce_mapping mapping = {.size = sizeof mapping,
                                           .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC,
                                           .gpa = 0x400000,
                                           .bytes = sizeof memory};
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_FRESH, false);

    (void)state;
    vm.own = memory;
    assert_int_equal(sconce_plugin_mappings_add(&vm.memory, &object, &mapping, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(sconce_kvm_slots_add(&vm, SCONCE_GPA_MAX, 65536, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm.slots, 2); /* and own memory */
    assert_int_equal(kvm.read_only_slots, 1);
    vm.read_only_slots = false;
    assert_int_equal(sconce_kvm_slots_add(&vm, SCONCE_GPA_MAX, 65536, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm.read_only_slots, 1);
}

/* ---- Running -------------------------------------------------------------------------------- */

static void test_run_is_refused_where_it_may_not_come(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_STOPPED, true);
    struct sconce_exit exit = {.size = sizeof exit};
    int outcome;

    (void)state;
    assert_int_equal(sconce_kvm_vcpu_run(&vm, &exit, &outcome, fresh()), SCONCE_PLUGIN_E_INVALID);
    vm.state = SCONCE_VCPU_RUNNABLE;
    exit.size = 16;
    assert_int_equal(sconce_kvm_vcpu_run(&vm, &exit, &outcome, fresh()), SCONCE_PLUGIN_E_INVALID);
}

static void test_run_that_fails_is_the_end(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_RUNNABLE, true);
    struct sconce_exit exit = {.size = sizeof exit};
    int outcome;

    (void)state;
    kvm.failures = 1;
    kvm.failure_errno = EFAULT;
    assert_int_equal(sconce_kvm_vcpu_run(&vm, &exit, &outcome, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(outcome, -EFAULT);
    assert_int_equal(exit.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(vm.state, SCONCE_VCPU_DEAD);
    assert_int_equal(sconce_kvm_vcpu_reset(&vm, true, fresh()), SCONCE_PLUGIN_E_DEAD);
}

static void test_run_that_was_kicked_can_be_run_again(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_RUNNABLE, true);
    struct sconce_exit exit = {.size = sizeof exit};
    int outcome;

    (void)state;
    sconce_kvm_kick(&vm.machine);
    kvm.failures = 1;
    kvm.failure_errno = EINTR;
    assert_int_equal(sconce_kvm_vcpu_run(&vm, &exit, &outcome, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(outcome, SCONCE_KVM_CANCELLED);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(vm.state, SCONCE_VCPU_RUNNABLE);
}

static void test_reset_before_the_first_entry_only_forgets_a_kick(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_FRESH, false);

    (void)state;
    sconce_kvm_kick(&vm.machine);
    assert_int_equal(sconce_kvm_vcpu_reset(&vm, true, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(run.immediate_exit, 0);
}

static void test_reset_that_cannot_finish_the_last_exit_is_the_end(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_STOPPED, true);

    (void)state;
    kvm.failures = 1;
    kvm.failure_errno = EIO;
    assert_int_equal(sconce_kvm_vcpu_reset(&vm, true, fresh()), SCONCE_PLUGIN_E_SYSTEM);
    assert_int_equal(vm.state, SCONCE_VCPU_DEAD);
}

/* ---- Registers ------------------------------------------------------------------------------ */

static void test_regs_are_refused_with_a_reason(void **state)
{
    struct sconce_kvm_vm vm = vm_in(SCONCE_VCPU_RUNNABLE, true);

    (void)state;
    assert_int_equal(sconce_regs_check(vm.state, vm.sealed, 1, 272, 272, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(sconce_regs_check(vm.state, vm.sealed, 9, 0, 272, fresh()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(error.text, "there is no register file 9");
    assert_int_equal(sconce_regs_check(vm.state, vm.sealed, 1, 272, 271, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text,
                        "cannot use the guest's registers: the buffer has not the file's size");
    vm.sealed = false;
    assert_int_equal(sconce_regs_check(vm.state, vm.sealed, 1, 272, 272, fresh()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text,
                        "cannot use the guest's registers: it has not been entered yet");
    vm.state = SCONCE_VCPU_DEAD;
    assert_int_equal(sconce_regs_check(vm.state, vm.sealed, 1, 272, 272, fresh()),
                     SCONCE_PLUGIN_E_DEAD);
}

/* ---- Trial guests --------------------------------------------------------------------------- */

static void test_trial_has_its_code_at_the_lowest_address(void **state)
{
    static const uint8_t code[] = {1, 2, 3};
    struct sconce_trial trial = SCONCE_TRIAL_EMPTY;

    (void)state;
    sconce_trial_fini(&trial); /* an empty one is fine */
    assert_int_equal(sconce_trial_init(&trial, code, sizeof code, fresh()), SCONCE_PLUGIN_OK);
    assert_memory_equal(trial.memory.host_addr, code, sizeof code);
    assert_int_equal(trial.entry.pc, SCONCE_GPA_MIN);
    assert_int_equal(trial.mapping.gpa, SCONCE_GPA_MIN);
    assert_int_equal(trial.mapping.bytes, trial.memory.bytes);
    sconce_trial_fini(&trial);
    assert_null(trial.memory.host_addr);
}

static void expect_trial_text(const struct sconce_exit *exit, const char *text)
{
    assert_int_equal(sconce_trial_failed(exit, "KVM", "it is wrong", fresh()),
                     SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_string_equal(error.text, text);
    assert_non_null(strstr(error.hint, "report it"));
}

static void test_trial_failed_tells_how_it_ended(void **state)
{
    const struct sconce_exit fault = {.kind = SCONCE_EXIT_FAULT, .u.fault.detail = 0x92000007};
    const struct sconce_exit fail = {.kind = SCONCE_EXIT_FAIL, .u.fail.text = "no luck"};
    const struct sconce_exit shutdown = {.kind = SCONCE_EXIT_SHUTDOWN};
    const struct sconce_exit cancelled = {.kind = SCONCE_EXIT_CANCELLED};
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "it is wrong (exit %u, fault 0x92000007)", SCONCE_EXIT_FAULT);
    expect_trial_text(&fault, text);
    snprintf(text, sizeof text, "it is wrong (exit %u, no luck)", SCONCE_EXIT_FAIL);
    expect_trial_text(&fail, text);
    snprintf(text, sizeof text, "it is wrong (exit %u)", SCONCE_EXIT_SHUTDOWN);
    expect_trial_text(&shutdown, text);
    snprintf(text, sizeof text, "it is wrong (exit %u, its time was over)", SCONCE_EXIT_CANCELLED);
    expect_trial_text(&cancelled, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_are_found_out_once_and_anew_for_another_device),
        cmocka_unit_test(test_facts_that_were_not_found_are_looked_for_again),
        cmocka_unit_test(test_configure_tells_what_is_wrong),
        cmocka_unit_test(test_probe_wants_room_and_fills_it),
        cmocka_unit_test(test_config_is_aligned_and_within_the_address_bits),
        cmocka_unit_test(test_own_memory_fits_what_is_reserved),
        cmocka_unit_test_setup(test_slots_are_read_only_where_kvm_has_such, start_over),
        cmocka_unit_test_setup(test_run_is_refused_where_it_may_not_come, start_over),
        cmocka_unit_test_setup(test_run_that_fails_is_the_end, start_over),
        cmocka_unit_test_setup(test_run_that_was_kicked_can_be_run_again, start_over),
        cmocka_unit_test_setup(test_reset_before_the_first_entry_only_forgets_a_kick, start_over),
        cmocka_unit_test_setup(test_reset_that_cannot_finish_the_last_exit_is_the_end, start_over),
        cmocka_unit_test_setup(test_regs_are_refused_with_a_reason, start_over),
        cmocka_unit_test(test_trial_failed_tells_how_it_ended),
        cmocka_unit_test(test_trial_has_its_code_at_the_lowest_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
