/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-aarch64/exits.c without a hypervisor: messages, and where PC is behind them. */
#include "plugins/mshv-aarch64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/regs.h"

static void run_to_report(unsigned vector, uint64_t esr, uint64_t pc)
{
    const struct hv_gpa_access access = report_of(vector, esr, pc);

    run_to_store(&access);
}

/* ---- What the shim reports ------------------------------------------------------------------- */

static void test_svc_of_the_doorbell(void **state)
{
    (void)state;
    run_to_report(8, SVC(0x5c0e), CODE_GPA + 4);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(result.u.doorbell.number, 10);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_RUNNABLE);
    assert_int_equal(vm.a64.place, SCONCE_A64_AT_REPORT);
}

static void test_svc_of_anything_else_is_a_syscall(void **state)
{
    (void)state;
    run_to_report(8, SVC(0), CODE_GPA + 4);
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.raw_nr, 64);
    for (uint64_t arg = 0; arg < 6; arg++)
        assert_int_equal(result.u.syscall.args[arg], 10 + arg);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_SYSCALL);
}

static void test_abort_has_the_shims_address(void **state)
{
    (void)state;
    run_to_report(8, 0x9200004f, CODE_GPA);
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x1234);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
}

static void test_report_of_any_other_vector_is_a_shutdown(void **state)
{
    for (unsigned vector = 0; vector < SCONCE_A64_VECTORS; vector++) {
        if (vector == 8 || vector == 11)
            continue;
        start_over(state);
        run_to_report(vector, SVC(0x5c0e), CODE_GPA);
        expect_shutdown();
    }
}

/* ---- PC ---------------------------------------------------------------------------------------
 */

/* The hypervisor leaves PC at the store; whoever forgets it would report for ever, and whoever does
 * it twice would lose an instruction. */
static void test_report_moves_pc_behind_the_store_once(void **state)
{
    (void)state;
    run_to_report(8, SVC(0x5c0e), CODE_GPA + 4);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
    assert_int_equal(sets, 1);
    assert_int_equal(gets, 0);
    run_to_kick();
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
    assert_int_equal(sets, 1);
}

static void test_pc_moves_by_four_whatever_the_message_says(void **state)
{
    struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    access.head.instruction_bytes = 0;
    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
}

/* As the processor tells a hypervisor (HPFAR_EL2). */
static void test_report_is_known_by_its_page_and_the_virtual_address(void **state)
{
    struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    access.gpa &= ~0xfffull;
    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(hv_reg(HV_PC)->low, STORE_AT(8) + 4);
}

static void test_report_without_a_virtual_address_is_known_by_the_physical_one(void **state)
{
    struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    access.info = 0;
    access.gva = 0;
    run_to_store(&access);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
}

static const struct fake_hvcall refused[] = {{EIO, 0x15, 0, false}};

static void test_pc_that_cannot_be_moved_is_a_failure(void **state)
{
    (void)state;
    fake.hvcalls = refused;
    fake.hvcall_count = 1;
    run_to_report(8, SVC(0x5c0e), CODE_GPA + 4);
    expect_failure("cannot set the VP's registers: the hypervisor says 0x15, invalid state of the "
                   "virtual processor");
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_HV_STATUS);
    assert_int_equal(result.u.fail.code, 0x15);
}

static void test_report_from_elsewhere_is_a_failure(void **state)
{
    const uint64_t places[] = {CODE_GPA,        0,
                               UINT64_MAX,      STORE_AT(8) + 4,
                               STORE_AT(8) + 1, SCONCE_GPA_MAX + SCONCE_A64_VECTORS_OFFSET};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct hv_gpa_access access;

        start_over(state);
        access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);
        access.head.pc = places[i];
        run_to_store(&access);
        expect_failure("the shim's report page was written by something else");
        assert_int_equal(sets, 0);
    }
}

/* ---- What no guest can provoke -----------------------------------------------------------------
 */

static void test_report_without_an_exception_is_a_failure(void **state)
{
    const struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    run_to_store(&access);
    run_to_store(&access); /* the same again, and the shim has saved nothing */
    expect_failure("the shim's report page was written by something else");
}

static void test_report_page_used_otherwise_is_a_failure(void **state)
{
    static const struct {
        uint64_t gpa;
        uint8_t access;
        uint64_t syndrome;
    } rows[] = {
        {SAVE_GPA - 72, HV_ACCESS_READ, STORE_SYNDROME},
        {SAVE_GPA - 72, HV_ACCESS_EXECUTE, STORE_SYNDROME},
        {SAVE_GPA - 72, 7, STORE_SYNDROME},
        {SAVE_GPA - 72, HV_ACCESS_WRITE, 0x939f8047},                   /* 4 bytes */
        {SAVE_GPA - 72, HV_ACCESS_WRITE, STORE_SYNDROME & ~HV_ISS_ISV}, /* unknown */
        {SAVE_GPA - 136, HV_ACCESS_WRITE, STORE_SYNDROME},
        {SAVE_GPA - 4, HV_ACCESS_WRITE, STORE_SYNDROME},
        {REPORT_GPA, HV_ACCESS_WRITE, STORE_SYNDROME},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hv_gpa_access access;

        start_over(state);
        access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);
        access.gpa = access.gva = rows[i].gpa;
        access.head.access = rows[i].access;
        access.syndrome = rows[i].syndrome;
        run_to_store(&access);
        expect_failure("the shim's report page was used by something else");
    }
}

static struct hv_gpa_access access_at(uint64_t gpa, uint8_t access, uint64_t pstate)
{
    hv_reg(HV_PC)->low = CODE_GPA + 8;
    return (struct hv_gpa_access){
        .head = {.access = access, .pc = CODE_GPA + 8, .cpsr = pstate},
        .gpa = gpa,
        .syndrome = STORE_SYNDROME,
    };
}

static void test_guests_access_is_a_memory_fault_at_the_instruction(void **state)
{
    static const struct {
        uint8_t access;
        uint32_t is;
    } rows[] = {
        {HV_ACCESS_READ, SCONCE_ACCESS_READ},
        {HV_ACCESS_WRITE, SCONCE_ACCESS_WRITE},
        {HV_ACCESS_EXECUTE, SCONCE_ACCESS_EXEC},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t type = MSHV_MESSAGE_UNMAPPED_GPA; type <= MSHV_MESSAGE_GPA_INTERCEPT;
             type++) {
            struct hv_gpa_access access;

            start_over(state);
            access = access_at(0x500000, rows[i].access, 0x60000000);
            run_to(type, &access, sizeof access);
            expect_final_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
            assert_int_equal(result.u.fault.address, 0x500000);
            assert_int_equal(result.u.fault.access, rows[i].is);
            assert_int_equal(sets, 0); /* PC stays */
        }
}

static void test_access_to_what_is_there_is_the_hosts_trouble(void **state)
{
    static const struct {
        uint64_t gpa;
        uint8_t access;
        bool of_guest;
        bool allowed;
    } rows[] = {
        {CODE_GPA, HV_ACCESS_READ, true, true},     {CODE_GPA, HV_ACCESS_EXECUTE, true, true},
        {CODE_GPA, HV_ACCESS_WRITE, true, false},   {DATA_GPA, HV_ACCESS_WRITE, true, true},
        {DATA_GPA, HV_ACCESS_EXECUTE, true, false}, {CODE_GPA - 1, HV_ACCESS_READ, true, false},
        {SAVE_GPA, HV_ACCESS_WRITE, false, true},
    };
    const struct sconce_mshv_region save_area = {.gpa = SAVE_GPA,
                                                 .bytes = 4096,
                                                 .host = (uint8_t *)save(),
                                                 .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE};

    for (size_t i = 0; i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        uint32_t type = i % 2 ? MSHV_MESSAGE_UNMAPPED_GPA : MSHV_MESSAGE_GPA_INTERCEPT;
        struct hv_gpa_access access;

        start_over(state);
        sconce_mshv_regions_add(&vm.mshv.regions, FAKE_PARTITION_FD, &vm.mshv.memory, fresh());
        sconce_mshv_region_add(&vm.mshv.regions, FAKE_PARTITION_FD, &save_area, fresh());
        access = access_at(rows[i / 2].gpa, rows[i / 2].access,
                           rows[i / 2].of_guest ? 0x60000000 : SCONCE_A64_PSTATE_EL1H);
        run_to(type, &access, sizeof access);
        if (!rows[i / 2].allowed) {
            expect_final_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
            continue;
        }
        expect_failure("guest memory is not accessible to the host");
        assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_EXIT);
        assert_int_equal(result.u.fail.code, type);
    }
}

static void test_shims_access_elsewhere_is_a_failure(void **state)
{
    struct hv_gpa_access access = access_at(0x500000, HV_ACCESS_WRITE, SCONCE_A64_PSTATE_EL1H);

    (void)state;
    run_to(MSHV_MESSAGE_GPA_INTERCEPT, &access, sizeof access);
    expect_failure("the shim's memory is not what it was");
}

/* ---- Other messages ---------------------------------------------------------------------------
 */

static void test_power_off_and_unrecoverable_exceptions_wait_for_a_reset(void **state)
{
    static const uint32_t types[] = {0x8001000c, 0x80000021};

    for (size_t i = 0; i < 2; i++) {
        start_over(state);
        run_to(types[i], "", 1);
        expect_shutdown();
    }
}

static void test_message_that_is_too_short_is_a_failure(void **state)
{
    const struct hv_gpa_access access = report_of(8, SVC(0x5c0e), CODE_GPA + 4);

    (void)state;
    run_to(MSHV_MESSAGE_UNMAPPED_GPA, &access, sizeof access - 1);
    expect_failure("the hypervisor's message is too short for what it is to tell");
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_EXIT);
    assert_int_equal(result.u.fail.code, MSHV_MESSAGE_UNMAPPED_GPA);
    assert_int_equal(sets, 0);
}

static void test_other_messages_are_failures_with_their_number(void **state)
{
    static const uint32_t types[] = {0x80000020, 0x80000022, 0x80010000, 0x80010007,
                                     0x80010003, 0x80000050, 0xdeadbeef, 1};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        start_over(state);
        run_to(types[i], "", 1);
        assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
        assert_int_equal(result.u.fail.code, types[i]);
        assert_int_equal(vm.mshv.state, SCONCE_VCPU_DEAD);
    }
}

/* Whatever is in a message: an exit of the contract's, a state that goes with it, and PC is written
 * for a report alone. */
static void test_garbage_is_a_fault_or_the_end(void **state)
{
    static const uint32_t types[] = {MSHV_MESSAGE_UNMAPPED_GPA, MSHV_MESSAGE_GPA_INTERCEPT};
    uint64_t noise = 0x9e3779b97f4a7c15;
    uint8_t payload[MSHV_PAYLOAD_BYTES];

    for (unsigned i = 0; i < 20000; i++) {
        struct hv_gpa_access access;

        if (i % 100 == 0)
            start_over(state);
        for (size_t at = 0; at < sizeof payload; at++) {
            noise = noise * 6364136223846793005u + 1442695040888963407u;
            payload[at] = (uint8_t)(noise >> 56);
        }
        memcpy(&access, payload, sizeof access);
        access.head.access &= 3;
        if (i & 1) /* near what is looked at */
            access.gpa = REPORT_GPA + access.gpa % 0x3000 - 0x1000;
        memcpy(payload, &access, sizeof access);
        vm.mshv.state = SCONCE_VCPU_RUNNABLE;
        save()->taken = SCONCE_A64_SAVE_TAKEN;
        run_to(types[i >> 1 & 1], payload, sizeof payload);
        if (result.kind == SCONCE_EXIT_FAIL)
            assert_int_equal(vm.mshv.state, SCONCE_VCPU_DEAD);
        else
            assert_int_equal(vm.mshv.state, SCONCE_VCPU_STOPPED);
        assert_in_range(result.kind, SCONCE_EXIT_FAULT, SCONCE_EXIT_FAIL);
        assert_int_equal(sets, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_svc_of_the_doorbell, start_over),
        cmocka_unit_test_setup(test_svc_of_anything_else_is_a_syscall, start_over),
        cmocka_unit_test_setup(test_abort_has_the_shims_address, start_over),
        cmocka_unit_test_setup(test_report_of_any_other_vector_is_a_shutdown, start_over),
        cmocka_unit_test_setup(test_report_moves_pc_behind_the_store_once, start_over),
        cmocka_unit_test_setup(test_pc_moves_by_four_whatever_the_message_says, start_over),
        cmocka_unit_test_setup(test_report_is_known_by_its_page_and_the_virtual_address,
                               start_over),
        cmocka_unit_test_setup(test_report_without_a_virtual_address_is_known_by_the_physical_one,
                               start_over),
        cmocka_unit_test_setup(test_pc_that_cannot_be_moved_is_a_failure, start_over),
        cmocka_unit_test_setup(test_report_from_elsewhere_is_a_failure, start_over),
        cmocka_unit_test_setup(test_report_without_an_exception_is_a_failure, start_over),
        cmocka_unit_test_setup(test_report_page_used_otherwise_is_a_failure, start_over),
        cmocka_unit_test_setup(test_guests_access_is_a_memory_fault_at_the_instruction, start_over),
        cmocka_unit_test_setup(test_access_to_what_is_there_is_the_hosts_trouble, start_over),
        cmocka_unit_test_setup(test_shims_access_elsewhere_is_a_failure, start_over),
        cmocka_unit_test_setup(test_power_off_and_unrecoverable_exceptions_wait_for_a_reset,
                               start_over),
        cmocka_unit_test_setup(test_message_that_is_too_short_is_a_failure, start_over),
        cmocka_unit_test_setup(test_other_messages_are_failures_with_their_number, start_over),
        cmocka_unit_test_setup(test_garbage_is_a_fault_or_the_end, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
