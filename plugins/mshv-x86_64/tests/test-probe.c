/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-x86_64: what a probe and the settings refuse, and in which words; and what CPUID and
 * MSRs become. Without a hypervisor, which is played. */
#include "plugins/mshv-x86_64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

/* ---- What the hypervisor says ------------------------------------------------------------------
 */

static bool no_nx, odd_xsave;
static struct hv_cpuid_override overrides[MSHV_X86_MAX_CPUID];
static unsigned override_count;

static struct hv_cpuid_values cpuid(uint32_t leaf, uint32_t subleaf)
{
    switch (leaf) {
    case 0:
        return (struct hv_cpuid_values){0x20, 1, 2, 3};
    case 1:
        return (struct hv_cpuid_values){0x800f12, 0x5000800, 0xfffbfffe, ~0u};
    case 7:
        return subleaf ? (struct hv_cpuid_values){0} : (struct hv_cpuid_values){1, ~0u, ~0u, ~0u};
    case 0xd:
        if (subleaf == 0)
            return (struct hv_cpuid_values){0x207, 832, 832, 0};
        return subleaf == 2 ? (struct hv_cpuid_values){256, 576, 0, 0}
                            : (struct hv_cpuid_values){0};
    case SCONCE_X86_CPUID_HYPERVISOR:
        return (struct hv_cpuid_values){0x4000000b, 'M', 'S', 'H'};
    case 0x80000000:
        return (struct hv_cpuid_values){0x80000020, 1, 2, 3};
    case 0x80000001:
        return (struct hv_cpuid_values){0, 0, ~0u, no_nx ? 0 : ~0u};
    default:
        return (struct hv_cpuid_values){0};
    }
}

static void (*registers)(uint16_t code, const void *head, const void *in, void *out);

static void repetition(uint16_t code, const void *head, const void *in, void *out)
{
    struct hv_cpuid_leaf leaf;
    struct hv_cpuid_values values;

    switch (code) {
    case MSHV_HVCALL_GET_VP_CPUID_VALUES:
        memcpy(&leaf, in, sizeof leaf);
        values = cpuid(leaf.eax, leaf.ecx);
        memcpy(out, &values, sizeof values);
        break;
    case MSHV_HVCALL_REGISTER_INTERCEPT_RESULT:
        assert_int_equal(fake.last_in_bytes, 60);
        memcpy(&overrides[override_count++], head, 60);
        break;
    default:
        registers(code, head, in, out);
        break;
    }
}

static int xsave(bool set, struct mshv_vp_state *state)
{
    const uint64_t xcomp_bv = odd_xsave ? 0 : 1ull << 63 | 0x207;

    if (set)
        return 0;
    memset((void *)(uintptr_t)state->buffer, 0, state->bytes);
    memcpy((uint8_t *)(uintptr_t)state->buffer + 520, &xcomp_bv, sizeof xcomp_bv);
    return 0;
}

/* The trial's guest ends in a system call. */
static bool trial_is_odd;

static int run(struct mshv_message *message)
{
    struct hv_io_port io = {
        .head = {.length_cr8 = 2, .access = HV_ACCESS_WRITE},
        .port = trial_is_odd ? SCONCE_DOORBELL_PORT_X86_64 : SCONCE_X86_SHIM_PORT,
        .access = 1,
    };

    /* Without memory of ours nothing can lie in a frame: a trap inside of the shim, at best. */
    io.head.rip = sconce_x86_shim_report(SCONCE_GPA_MAX, 6);
    message->type = HV_MESSAGE_IO_PORT;
    memcpy(message->payload, &io, sizeof io);
    return 0;
}

static int start(void **state)
{
    start_over(state);
    registers = fake.repetition;
    fake.repetition = repetition;
    fake.state = xsave;
    fake.run = run;
    no_nx = odd_xsave = trial_is_odd = false;
    override_count = 0;
    /* Whatever was found out is to be found out anew. */
    assert_int_equal(mshv_x86_configure("device", "/dev/mshv", fresh()), SCONCE_PLUGIN_OK);
    return 0;
}

static void expect_unusable(const char *text, const char *hint)
{
    struct sconce_probe probe = {.size = sizeof probe};

    assert_int_equal(mshv_x86_probe(&probe, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error(text, hint);
}

/* ---- Refusals -----------------------------------------------------------------------------------
 */

static void test_probe_without_a_device_says_what_is_needed(void **state)
{
    (void)state;
    fake.open_errno = ENOENT;
    expect_unusable("cannot open /dev/mshv: No such file or directory",
                    "run Linux 6.15 or later as the root partition of Hyper-V, with "
                    "CONFIG_MSHV_ROOT (modprobe mshv_root)");
}

static void test_probe_without_the_right_says_whose_it_is(void **state)
{
    (void)state;
    fake.open_errno = EACCES;
    expect_unusable("cannot open /dev/mshv: Permission denied",
                    "the device is root's alone (mode 0600): run as root, or give it to a group by "
                    "a udev rule");
}

static void test_probe_of_another_device_says_so(void **state)
{
    (void)state;
    fake.create_errno[0] = ENOTTY;
    expect_unusable("/dev/mshv does not answer as the driver does: Inappropriate ioctl for device",
                    "set device to the hypervisor's device node, usually /dev/mshv");
}

static void test_probe_without_nx_is_refused(void **state)
{
    (void)state;
    no_nx = true;
    expect_unusable("the hypervisor offers no pages that cannot be executed (NX)",
                    "turn on \"execute disable\" in the firmware");
}

static void test_probe_of_a_strange_xsave_area_is_refused(void **state)
{
    (void)state;
    odd_xsave = true;
    expect_unusable("the hypervisor keeps SIMD state in a way that this backend does not know", "");
}

static const struct fake_hvcall no_cpuid[] = {
    {.done = FAKE_ALL}, {.done = FAKE_ALL}, {EINVAL, 0, 0, true}};

static void test_probe_without_cpuid_is_refused(void **state)
{
    (void)state;
    fake.hvcalls = no_cpuid; /* after two properties */
    fake.hvcall_count = 3;
    expect_unusable("the hypervisor does not tell which CPU features its guests have",
                    "use the interface of upstream Linux, 6.15 or later");
}

static void test_probe_of_a_strange_trial_is_refused(void **state)
{
    (void)state;
    expect_unusable("a guest's system call arrives in no known way (exit 6)",
                    "this hypervisor does something that is not known here: please report it, with "
                    "kernel, processor and this message");
    start(state);
    trial_is_odd = true;
    expect_unusable("a guest's system call arrives in no known way (exit 1)",
                    "this hypervisor does something that is not known here: please report it, with "
                    "kernel, processor and this message");
}

static void test_probe_without_room_is_invalid(void **state)
{
    struct sconce_probe probe = {.size = 8};

    (void)state;
    assert_int_equal(mshv_x86_probe(&probe, fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("cannot probe: no room for what is found", "");
}

static void test_configure_tells_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(mshv_x86_configure("tss", "busy", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("there is no setting tss", "the only setting is device");
    assert_int_equal(mshv_x86_configure("device", "mshv", fresh()), SCONCE_PLUGIN_E_INVALID);
    expect_error("device is not an absolute path: mshv", "write device = /dev/mshv");
}

/* ---- MSRs ---------------------------------------------------------------------------------------
 */

static const struct fake_hvcall refuses_msr[] = {
    {.done = FAKE_ALL}, {.done = FAKE_ALL}, {.done = FAKE_ALL}, {EINVAL, 5, 0, false}};

/* The first one is read, and put back; the second is read, and not taken back. */
static void test_msr_that_cannot_be_put_back_is_refused(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    fake.hvcalls = refuses_msr;
    fake.hvcall_count = 4;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor shows an MSR that cannot be put back (register 0x80004)",
                 "please report it, with kernel, processor and this message");
}

static const struct fake_hvcall no_msrs[] = {{EINVAL, 5, 0, false}};

static void test_msrs_that_are_not_there_are_no_trouble(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    fake.hvcalls = no_msrs;
    fake.hvcall_count = 1;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(facts.msr_count, 0);
}

static void test_msrs_go_back_to_what_a_new_vp_had(void **state)
{
    static struct mshv_x86_facts facts;
    bool pat = false, lstar = false;

    (void)state;
    hv_reg(HV_PAT)->low = 0x7040600070406;
    hv_reg(HV_LSTAR)->low = 0x55;
    assert_int_equal(mshv_x86_msrs_find(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    vm.x86.msr_count = 1;
    vm.x86.msrs[0] = (struct sconce_x86_msr){SCONCE_X86_MSR_LSTAR, 0xfff002ff8};
    assert_int_equal(mshv_x86_msrs_keep(&vm, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(vm.msr_count, facts.msr_count);
    for (uint32_t i = 0; i < vm.msr_count; i++) {
        pat |= vm.msrs[i].name == HV_PAT && vm.msrs[i].value.low == 0x7040600070406;
        lstar |= vm.msrs[i].name == HV_LSTAR && vm.msrs[i].value.low == 0xfff002ff8;
    }
    assert_true(pat);
    assert_true(lstar);
    vm.x86.msrs[0].index = 0x10;
    assert_int_equal(mshv_x86_msrs_keep(&vm, &facts, fresh()), SCONCE_PLUGIN_E_UNAVAILABLE);
    expect_error("the hypervisor has no MSR 0x10 for its guests", "");
}

/* ---- CPUID --------------------------------------------------------------------------------------
 */

static const struct hv_cpuid_override *override_of(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < override_count; i++)
        if (overrides[i].leaf == leaf && overrides[i].subleaf == subleaf)
            return &overrides[i];
    return NULL;
}

static void test_cpuid_is_overridden_where_it_differs_from_the_policy(void **state)
{
    static struct mshv_x86_facts facts;
    const struct hv_cpuid_override *o;

    (void)state;
    assert_int_equal(mshv_x86_cpuid_read(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(facts.control.xcr0, 7);
    assert_int_equal(mshv_x86_cpuid_set(FAKE_VP_FD, &facts), 0);
    assert_int_equal(override_count, facts.override_count);

    o = override_of(0, 0);
    assert_non_null(o);
    assert_int_equal(o->intercept, 2);
    assert_int_equal(o->always_override, 1);
    assert_int_equal(o->subleaf_specific, 0);
    assert_int_equal(o->eax, 0xd);
    assert_int_equal(o->eax_mask, ~0u);
    assert_int_equal(o->edx, 3);
    o = override_of(1, 0);
    assert_non_null(o);
    assert_int_equal(o->ecx >> 27 & 1, 1); /* OSXSAVE: CR4 has it */
    assert_int_equal(o->ecx >> 31, 0);     /* no hypervisor */
    assert_int_equal(o->edx >> 9 & 1, 0);  /* no APIC */
    o = override_of(7, 0);
    assert_non_null(o);
    assert_int_equal(o->subleaf_specific, 1);
    assert_int_equal(o->ecx >> 7 & 1, 0); /* no CET */
    o = override_of(SCONCE_X86_CPUID_HYPERVISOR, 0);
    assert_non_null(o);
    assert_int_equal(o->eax | o->ebx | o->ecx | o->edx, 0);
    assert_null(override_of(5, 0)); /* says nothing already */
}

static const struct fake_hvcall no_override[] = {{EINVAL, 0, 0, true}};

static void test_cpuid_that_cannot_be_overridden_is_told(void **state)
{
    static struct mshv_x86_facts facts;

    (void)state;
    assert_int_equal(mshv_x86_cpuid_read(FAKE_VP_FD, &facts, fresh()), SCONCE_PLUGIN_OK);
    fake.hvcalls = no_override;
    fake.hvcall_count = 1;
    assert_int_equal(mshv_x86_cpuid_set(FAKE_VP_FD, &facts), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_probe_without_a_device_says_what_is_needed, start),
        cmocka_unit_test_setup(test_probe_without_the_right_says_whose_it_is, start),
        cmocka_unit_test_setup(test_probe_of_another_device_says_so, start),
        cmocka_unit_test_setup(test_probe_without_nx_is_refused, start),
        cmocka_unit_test_setup(test_probe_of_a_strange_xsave_area_is_refused, start),
        cmocka_unit_test_setup(test_probe_without_cpuid_is_refused, start),
        cmocka_unit_test_setup(test_probe_of_a_strange_trial_is_refused, start),
        cmocka_unit_test_setup(test_probe_without_room_is_invalid, start),
        cmocka_unit_test_setup(test_configure_tells_what_there_is, start),
        cmocka_unit_test_setup(test_msr_that_cannot_be_put_back_is_refused, start),
        cmocka_unit_test_setup(test_msrs_that_are_not_there_are_no_trouble, start),
        cmocka_unit_test_setup(test_msrs_go_back_to_what_a_new_vp_had, start),
        cmocka_unit_test_setup(test_cpuid_is_overridden_where_it_differs_from_the_policy, start),
        cmocka_unit_test_setup(test_cpuid_that_cannot_be_overridden_is_told, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
