/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/mshv-x86_64/vcpu.c without a hypervisor: what a reset leaves of a VP in which nothing was
 * as it should be. The list is written anew here, by the hypervisor's numbers and the manuals': it
 * shares none with the code that it holds.
 */
#include "plugins/mshv-x86_64/tests/fake-machine.h"

#include <string.h>

#define OWN SCONCE_GPA_MAX /* where the guest sees GDT, IDT, shim and tables */

/* Selector, rights and limit of a segment, as the upper half of its value. */
#define SEGMENT(limit, selector, rights)                                                           \
    ((uint64_t)(rights) << 48 | (uint64_t)(selector) << 32 | (limit))

static const struct expected {
    uint32_t name;
    uint64_t low, high;
} expected[] = {
    {0x60001, 0, SEGMENT(0xffffffff, 0x33, 0xa0fb)},  /* CS: ring 3, 64-bit code */
    {0x60002, 0, SEGMENT(0xffffffff, 0x2b, 0xc0f3)},  /* SS */
    {0x60000, 0, 0},                                  /* ES */
    {0x60003, 0, 0},                                  /* DS */
    {0x60004, 0, 0},                                  /* FS */
    {0x60005, 0, 0},                                  /* GS */
    {0x60006, 0, 0},                                  /* LDTR */
    {0x60007, OWN + 0x100, SEGMENT(116, 0x40, 0x8b)}, /* TR: busy, 64-bit */
    {0x70001, 79ull << 48, OWN},                      /* GDTR */
    {0x70000, 4095ull << 48, OWN + 0x1000},           /* IDTR */
    {0x40000, 0x80050033, 0},                         /* CR0: PG AM WP NE ET MP PE */
    {0x40001, 0, 0},                                  /* CR2 */
    {0x40002, OWN + 0x4000, 0},                       /* CR3 */
    {0x40003, 0x350e20, 0},                           /* CR4: SMAP SMEP OSXSAVE FSGSBASE UMIP.. */
    {0x40004, 0, 0},                                  /* CR8 */
    {0x80001, 0xd00, 0},                              /* EFER: NXE LMA LME, no SCE */
    {0x40005, 7, 0},                                  /* XCR0: x87, SSE, AVX */
    {0x50000, 0, 0},                                  /* DR0 to DR3 */
    {0x50001, 0, 0},
    {0x50002, 0, 0},
    {0x50003, 0, 0},
    {0x50004, 0xffff0ff0, 0}, /* DR6 */
    {0x50005, 0x400, 0},      /* DR7 */
    {0x00004, 0, 0},          /* internal activity */
    {0x10002, 0, 0},          /* pending interruption */
    {0x10003, 0, 0},          /* interrupt state */
    {0x10004, 0, 0},          /* pending events */
    {0x10005, 0, 0},
    {0x80002, 0, 0},                  /* KERNEL_GS_BASE */
    {0x80004, 0x0007040600070406, 0}, /* PAT: what the new VP had */
    {0x80005, 0, 0},                  /* SYSENTER_CS, EIP, ESP */
    {0x80006, 0, 0},
    {0x80007, 0, 0},
    {0x80008, 0x0023001000000000, 0}, /* STAR */
    {0x80009, OWN + 0x2ff8, 0},       /* LSTAR: no handler starts there */
    {0x8000a, OWN + 0x2ff8, 0},       /* CSTAR */
    {0x8000b, 0, 0},                  /* SFMASK */
    {0x8000e, 0xc06, 0},              /* MTRR_DEF_TYPE: what the new VP had */
    {0x80010, 0x11, 0},               /* the first MTRR, likewise */
    {0x80040, 0x12, 0},
    {0x80070, 0x13, 0},
    {0x8007b, 0, 0}, /* TSC_AUX */
    {0x80084, 0, 0}, /* SPEC_CTRL */
};

#define JUNK 0xa5a5a5a5a5a5a5a5ull

static struct sconce_plugin_vm *made;

static int start(void **state)
{
    machine_start(state);
    hv_reg(0x80004)->low = 0x0007040600070406;
    hv_reg(0x8000e)->low = 0xc06;
    hv_reg(0x80010)->low = 0x11;
    hv_reg(0x80040)->low = 0x12;
    hv_reg(0x80070)->low = 0x13;
    made = machine_vm();
    fake.run = machine_ring;
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    mshv_x86_vm_destroy(made);
    expect_nothing_left();
    return 0;
}

static void spoil(void)
{
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        *hv_reg(expected[i].name) = (struct mshv_value){JUNK, JUNK};
    for (uint32_t i = 0; i < 18; i++) /* general registers, RIP, RFLAGS */
        hv_reg(HV_RAX + i)->low = JUNK;
    memset(machine_xsave, 0xa5, sizeof machine_xsave);
    made->general_known = false;
}

static void reset(void)
{
    assert_int_equal(mshv_x86_vcpu_reset(made, fresh()), SCONCE_PLUGIN_OK);
}

static void test_reset_gives_every_register_its_value(void **state)
{
    (void)state;
    spoil();
    reset();
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct mshv_value *is = hv_reg(expected[i].name);

        if (is->low != expected[i].low || is->high != expected[i].high)
            fail_msg("register 0x%x is 0x%llx 0x%llx", expected[i].name,
                     (unsigned long long)is->low, (unsigned long long)is->high);
    }
}

/* All that it writes is on the list, too. */
static void test_reset_writes_no_other_register(void **state)
{
    unsigned mtrrs = 7 + 7 + 10; /* those that are not on the list one by one */

    (void)state;
    sets = 0;
    reset();
    assert_int_equal(sets, sizeof expected / sizeof expected[0] + mtrrs);
}

static void test_reset_gives_floating_point_its_initial_state(void **state)
{
    uint8_t initial[MSHV_PAGE] = {0};
    const uint64_t xcomp_bv = 1ull << 63 | 0x207;

    (void)state;
    spoil();
    reset();
    memcpy(initial, "\x7f\x03", 2);      /* FCW */
    memcpy(initial + 24, "\x80\x1f", 2); /* MXCSR */
    initial[512] = 3;                    /* XSTATE_BV: x87 and SSE are given */
    memcpy(initial + 520, &xcomp_bv, sizeof xcomp_bv);
    assert_memory_equal(machine_xsave, initial, sizeof initial);
}

/* With the next run; none of the old ones is seen before. */
static void test_reset_gives_general_registers_their_initial_values(void **state)
{
    struct sconce_x86_standard regs, none = {.rflags = 0x202};

    (void)state;
    spoil();
    reset();
    assert_int_equal(mshv_x86_read_standard(made, &regs, fresh()), SCONCE_PLUGIN_OK);
    assert_memory_equal(&regs, &none, sizeof regs);
    assert_int_equal(made->dirty, HV_DIRTY_GENERAL | HV_DIRTY_IP | HV_DIRTY_FLAGS);
}

static void test_reset_builds_what_the_guest_could_spoil_anew(void **state)
{
    uint8_t fine[SCONCE_X86_SUPERVISOR_BYTES];

    (void)state;
    sconce_x86_supervisor_build(fine, SCONCE_GPA_MAX);
    memset(made->mshv.own, 0xa5, sizeof fine);
    reset();
    assert_memory_equal(made->mshv.own, fine, sizeof fine);
}

static void test_reset_forgets_a_kick(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};

    (void)state;
    mshv_x86_vcpu_kick_local(made);
    reset();
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_x86_vcpu_run(made, &exit, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
}

static void test_enter_sets_the_thread_pointer_and_the_first_registers(void **state)
{
    struct sconce_x86_standard regs;

    (void)state;
    reset();
    assert_int_equal(machine_enter(made, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(hv_reg(0x60004)->low, MACHINE_TLS);
    assert_int_equal(mshv_x86_read_standard(made, &regs, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(regs.rip, CODE_GPA);
    assert_int_equal(regs.rsp, DATA_GPA + 4096);
    assert_int_equal(regs.rdi, 0x1111);
    assert_int_equal(regs.rsi, 0x2222);
    assert_int_equal(regs.rflags, 0x202);
    assert_int_equal(regs.rax | regs.rbx | regs.rcx | regs.rdx | regs.rbp, 0);
}

static void test_set_fs_and_gs_base_is_one_hypercall(void **state)
{
    struct sconce_x86_special special;
    unsigned made_before;

    (void)state;
    assert_int_equal(
        mshv_x86_regs.get(made, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh()),
        SCONCE_PLUGIN_OK);
    special.fs_base = 0x1000;
    special.gs_base = 0x2000;
    made_before = sets;
    assert_int_equal(
        mshv_x86_regs.set(made, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh()),
        SCONCE_PLUGIN_OK);
    assert_int_equal(fake.last_reps, 2);
    assert_int_equal(sets - made_before, 2);
    assert_int_equal(hv_reg(0x60004)->low, 0x1000);
    assert_int_equal(hv_reg(0x60005)->low, 0x2000);
}

/* XSTATE_BV = AVX alone: SSE is initial, and MXCSR goes with it. */
static void test_get_float_of_what_is_left_out_is_initial(void **state)
{
    struct sconce_x86_float regs;

    (void)state;
    memset(machine_xsave, 0xa5, 512);
    machine_xsave[512] = 4;
    assert_int_equal(mshv_x86_regs.get(made, SCONCE_REGS_FLOAT, &regs, sizeof regs, fresh()),
                     SCONCE_PLUGIN_OK);
    assert_memory_equal(regs.fxsave, "\x7f\x03\0\0", 4);
    assert_memory_equal(regs.fxsave + 24, "\x80\x1f\0\0", 4);
    assert_int_equal(regs.fxsave[160], 0);
}

static void test_get_float_of_another_format_is_an_error(void **state)
{
    struct sconce_x86_float regs;

    (void)state;
    machine.odd_xsave = true;
    assert_int_equal(mshv_x86_regs.get(made, SCONCE_REGS_FLOAT, &regs, sizeof regs, fresh()),
                     SCONCE_PLUGIN_E_SYSTEM);
    expect_error("the hypervisor keeps SIMD state in a way that this backend does not know", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reset_gives_every_register_its_value, start, stop),
        cmocka_unit_test_setup_teardown(test_reset_writes_no_other_register, start, stop),
        cmocka_unit_test_setup_teardown(test_reset_gives_floating_point_its_initial_state, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_reset_gives_general_registers_their_initial_values,
                                        start, stop),
        cmocka_unit_test_setup_teardown(test_reset_builds_what_the_guest_could_spoil_anew, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_reset_forgets_a_kick, start, stop),
        cmocka_unit_test_setup_teardown(test_enter_sets_the_thread_pointer_and_the_first_registers,
                                        start, stop),
        cmocka_unit_test_setup_teardown(test_set_fs_and_gs_base_is_one_hypercall, start, stop),
        cmocka_unit_test_setup_teardown(test_get_float_of_what_is_left_out_is_initial, start, stop),
        cmocka_unit_test_setup_teardown(test_get_float_of_another_format_is_an_error, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
