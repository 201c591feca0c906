/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-aarch64: what a probe and the settings refuse, and in which words; and a trial guest
 * that the test plays to its end. */
#include "plugins/mshv-aarch64/tests/fake-hv.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "arch/aarch64/regs.h"

#define ASKED "please report it, with kernel, processor and this message"
#define ODD                                                                                        \
    "this hypervisor does something that is not known here: please report it, with kernel, "       \
    "processor and this message"

/* ---- The trial guest --------------------------------------------------------------------------
 */

/* What its exceptions are, and where: the doorbell, the system call, MSR DAIFSet. */
static const struct {
    uint64_t esr, pc, x0, x8;
} script[] = {
    {SVC(0x5c0e), 0x98, 77, 0},
    {SVC(0), 0xa0, 77, 77},
    {0x62300000 | 1u << 25, 0xa8, 1, 77}, /* a system register that is trapped */
};
static unsigned step;
static unsigned wrong_step; /* UINT32_MAX: none */

/* The save area, as the plugin has shown it to the guest. */
static struct sconce_a64_save *shown_save(void)
{
    for (unsigned i = 0; i < fake.region_count; i++)
        if (fake.regions[i].guest_pfn == SAVE_GPA >> 12)
            return (struct sconce_a64_save *)(uintptr_t)fake.regions[i].userspace_addr;
    fail_msg("the guest has no save area");
    return NULL;
}

static int run(struct mshv_message *message)
{
    struct hv_gpa_access access;

    assert_int_equal(hv_reg(HV_PC)->low, step ? STORE_AT(8) + 4 : SCONCE_GPA_MIN);
    access = report_of(8, 0, 0);
    *shown_save() = (struct sconce_a64_save){
        .x = {script[step].x0},
        .x8 = script[step].x8,
        .esr = step == wrong_step ? 0x9200004f : script[step].esr,
        .elr = SCONCE_GPA_MIN + script[step].pc,
    };
    step++;
    *message =
        (struct mshv_message){.type = MSHV_MESSAGE_UNMAPPED_GPA, .payload_bytes = sizeof access};
    memcpy(message->payload, &access, sizeof access);
    return 0;
}

static int start(void **state)
{
    start_over(state);
    fake.run = run;
    step = 0;
    wrong_step = UINT32_MAX;
    hv_reg(HV_ID_AA64DFR0_EL1)->low = all_features.dfr0;
    hv_reg(HV_ID_AA64MMFR0_EL1)->low = all_features.mmfr0;
    hv_reg(HV_ID_AA64MMFR1_EL1)->low = all_features.mmfr1;
    /* Whatever was found out is to be found out anew. */
    assert_int_equal(mshv_a64_configure("device", "/dev/other", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_configure("device", "/dev/mshv", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_configure("unverified", "yes", fresh()), SCONCE_PLUGIN_OK);
    return 0;
}

static void expect_unusable(const char *text, const char *hint)
{
    struct sconce_probe probe = {.size = sizeof probe};

    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error(text, hint);
}

/* ---- What nobody has seen work ------------------------------------------------------------------
 */

static void test_probe_refuses_unless_it_is_asked_to_try(void **state)
{
    struct sconce_plugin_vm *made = NULL;
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = SCONCE_GPA_RESERVED};

    (void)state;
    assert_int_equal(mshv_a64_configure("unverified", "no", fresh()), SCONCE_PLUGIN_OK);
    expect_unusable("nobody has run this backend on Hyper-V yet",
                    "to try it, set unverified = yes in [backend.mshv-aarch64], run "
                    "tools/verify-backend mshv-aarch64, and send in the report");
    assert_int_equal(mshv_a64_vm_create(&config, &made, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_int_equal(fake.creations, 0); /* no partition was made to find that out */
}

static void test_probe_tries_a_guest_when_it_is_asked(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    assert_string_equal(probe.description, "unverified, feature masks, 16 breakpoints, 16 "
                                           "watchpoints, PAN");
    assert_int_equal(probe.granule, 4096);
    assert_int_equal(probe.kick_style, SCONCE_KICK_RESIGNAL);
    assert_int_equal(fake.runs, 3);
    assert_int_equal(fake.creations, 2);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
}

/* Another runtime of the process sets all of it again. */
static void test_settings_that_are_as_they_were_forget_nothing(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_configure("device", "/dev/mshv", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_configure("unverified", "yes", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.creations, 2); /* as by one */
}

/* Its own memory: each part with its rights, the report page none of it. */
static void test_guest_is_shown_no_more_than_it_needs(void **state)
{
    static const struct {
        uint64_t gpa;
        uint8_t flags;
    } rows[] = {
        {SCONCE_GPA_MIN, MSHV_REGION_EXECUTABLE},
        {SAVE_GPA, MSHV_REGION_WRITABLE},
        {SAVE_GPA + 0x1000, MSHV_REGION_EXECUTABLE},
        {SAVE_GPA + 0x2000, 0},
    };
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.region_count, 8); /* and taken away again */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fake.regions[i].guest_pfn, rows[i].gpa >> 12);
        assert_int_equal(fake.regions[i].flags, rows[i].flags);
    }
}

static void test_probe_after_the_setting_is_taken_back_refuses(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_configure("unverified", "no", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
}

/* ---- Refusals -----------------------------------------------------------------------------------
 */

static void test_probe_without_a_device_says_what_is_needed(void **state)
{
    (void)state;
    assert_int_equal(mshv_a64_configure("unverified", "no", fresh()), SCONCE_PLUGIN_OK);
    fake.open_errno = ENOENT;
    expect_unusable("cannot open /dev/mshv: No such file or directory",
                    "run Linux 6.15 or later as the root partition of Hyper-V, with "
                    "CONFIG_MSHV_ROOT (modprobe mshv_root)");
}

static void test_probe_of_a_small_processor_is_refused(void **state)
{
    (void)state;
    hv_reg(HV_ID_AA64MMFR0_EL1)->low = 0;
    expect_unusable("guests want addresses of 36 bits; this processor has 32",
                    "use isolation = process: a weaker wall that needs no hypervisor");
    hv_reg(HV_ID_AA64MMFR0_EL1)->low = 0xf0000005;
    expect_unusable("this processor has no pages of 4 KiB",
                    "use isolation = process: a weaker wall that needs no hypervisor");
}

static const struct fake_hvcall no_pc[] = {
    {.done = FAKE_ALL}, {.done = FAKE_ALL}, {EINVAL, 5, 0, false}};

/* After one property and the ID registers comes X0. */
static void test_probe_without_a_register_is_refused(void **state)
{
    (void)state;
    fake.hvcalls = no_pc;
    fake.hvcall_count = 3;
    expect_unusable("the hypervisor does not let a register be set (0x20000, status 0x5)", ASKED);
}

static void test_probe_of_a_strange_trial_is_refused(void **state)
{
    static const char *const texts[] = {
        "a guest's doorbell does not arrive as it must (exit 3, fault 0x9200004f)",
        "a guest's system call does not arrive as it must (exit 3, fault 0x9200004f)",
        "a guest's privileged instruction does not arrive as it must (exit 3, fault 0x9200004f)",
    };

    for (unsigned i = 0; i < 3; i++) {
        start(state);
        wrong_step = i;
        expect_unusable(texts[i], ODD);
    }
}

static void test_probe_without_room_is_invalid(void **state)
{
    struct sconce_probe probe = {.size = 8};

    (void)state;
    assert_int_equal(mshv_a64_probe(&probe, fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot probe: no room for what is found", "");
}

static void test_configure_tells_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(mshv_a64_configure("tss", "busy", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("there is no setting tss", "the settings are device and unverified");
    assert_int_equal(mshv_a64_configure("unverified", "true", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("unverified is neither yes nor no: true",
                 "write unverified = yes or unverified = no");
    assert_int_equal(mshv_a64_configure("device", "mshv", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("device is not an absolute path: mshv", "write device = /dev/mshv");
}

/* ---- The watch ----------------------------------------------------------------------------------
 */

static void give_one_region(void)
{
    const struct sconce_mshv_region region = {.gpa = CODE_GPA, .bytes = 4096, .host = arena};

    assert_int_equal(sconce_mshv_region_add(&vm.mshv.regions, FAKE_PARTITION_FD, &region, fresh()),
                     SCONCE_PLUGIN_OK);
}

static void test_watch_takes_the_memory_of_a_guest_whose_time_is_over(void **state)
{
    struct mshv_a64_watch watch;

    (void)state;
    give_one_region();
    assert_int_equal(mshv_a64_watch_start(&watch, &vm, 0, fresh()), SCONCE_PLUGIN_OK);
    while (__atomic_load_n(&fake.region_count, __ATOMIC_ACQUIRE) < 2)
        sched_yield();
    assert_true(mshv_a64_watch_stop(&watch));
    assert_int_equal(fake.regions[1].flags, MSHV_REGION_UNMAP);
    assert_int_equal(fake.regions[1].guest_pfn, CODE_GPA >> 12);
    assert_int_equal(vm.mshv.regions.count, 1); /* the run may be looking at it */
}

static void test_watch_asks_again_where_memory_is_not_taken(void **state)
{
    struct mshv_a64_watch watch;

    (void)state;
    give_one_region();
    fake.memory_errno = ENOMEM;
    assert_int_equal(mshv_a64_watch_start(&watch, &vm, 0, fresh()), SCONCE_PLUGIN_OK);
    while (__atomic_load_n(&fake.region_count, __ATOMIC_ACQUIRE) < 3)
        sched_yield();
    assert_true(mshv_a64_watch_stop(&watch));
    assert_int_equal(fake.regions[2].flags, MSHV_REGION_UNMAP);
}

static void test_watch_leaves_others_alone(void **state)
{
    struct mshv_a64_watch watch;

    (void)state;
    give_one_region();
    assert_int_equal(mshv_a64_watch_start(&watch, &vm, UINT32_MAX, fresh()), SCONCE_PLUGIN_OK);
    assert_false(mshv_a64_watch_stop(&watch));
    assert_int_equal(fake.region_count, 1);
    assert_int_equal(vm.mshv.regions.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_probe_refuses_unless_it_is_asked_to_try, start),
        cmocka_unit_test_setup(test_probe_tries_a_guest_when_it_is_asked, start),
        cmocka_unit_test_setup(test_settings_that_are_as_they_were_forget_nothing, start),
        cmocka_unit_test_setup(test_guest_is_shown_no_more_than_it_needs, start),
        cmocka_unit_test_setup(test_probe_after_the_setting_is_taken_back_refuses, start),
        cmocka_unit_test_setup(test_probe_without_a_device_says_what_is_needed, start),
        cmocka_unit_test_setup(test_probe_of_a_small_processor_is_refused, start),
        cmocka_unit_test_setup(test_probe_without_a_register_is_refused, start),
        cmocka_unit_test_setup(test_probe_of_a_strange_trial_is_refused, start),
        cmocka_unit_test_setup(test_probe_without_room_is_invalid, start),
        cmocka_unit_test_setup(test_configure_tells_what_there_is, start),
        cmocka_unit_test_setup(test_watch_takes_the_memory_of_a_guest_whose_time_is_over, start),
        cmocka_unit_test_setup(test_watch_asks_again_where_memory_is_not_taken, start),
        cmocka_unit_test_setup(test_watch_leaves_others_alone, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
