/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/mshv-x86_64/exits.c without a hypervisor: messages, and where PC is behind them. */
#include "plugins/mshv-x86_64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

#define LSTAR (SCONCE_GPA_MAX + SCONCE_X86_LSTAR_OFFSET)
#define RDI (HV_RAX + 7)

static void run_to_io(const struct hv_io_port *io)
{
    run_to(HV_MESSAGE_IO_PORT, io, sizeof *io);
}

static void run_to_trap(uint8_t vector, uint64_t error_code, uint64_t rip)
{
    struct hv_io_port io = trap(vector, error_code, rip, SCONCE_X86_USER_CS);

    run_to_io(&io);
}

/* ---- Doorbells --------------------------------------------------------------------------------
 */

static void ring(uint8_t length)
{
    struct hv_io_port io =
        io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 0xabcdef12fe, CODE_GPA);

    io.head.length_cr8 = (uint8_t)(0xf0 | length); /* CR8 is beside it */
    run_to_io(&io);
}

/* Where does the next run find the guest? */
static void expect_next_rip(uint64_t rip)
{
    struct hv_io_port io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 0, CODE_GPA);

    run_to_io(&io);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(rip, page.rip);
}

static void test_doorbell_is_one_byte_of_rax(void **state)
{
    (void)state;
    ring(2);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(result.u.doorbell.number, 0xfe);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_RUNNABLE);
}

static void expect_advanced(uint8_t length)
{
    ring(length);
    assert_int_equal(vm.general.rip, CODE_GPA + length);
    assert_int_equal(vm.dirty, HV_DIRTY_IP);
    expect_next_rip(CODE_GPA + length);
}

/* The fake hypervisor takes RIP at the run: once, and by the length that it has told itself. */
static void test_doorbell_moves_rip_by_the_instructions_length_once(void **state)
{
    (void)state;
    expect_advanced(2);
    assert_int_equal(sets, 1);
    start_over(state);
    expect_advanced(1);
    start_over(state);
    expect_advanced(15);
    start_over(state);
    use_page();
    expect_advanced(3);
    assert_int_equal(sets, 0);
}

static void test_doorbell_without_a_length_is_a_failure(void **state)
{
    (void)state;
    ring(0);
    expect_failure("the hypervisor does not tell how long the guest's instruction is");
}

static void test_port_anything_else_is_a_fault_at_the_instruction(void **state)
{
    static const struct {
        uint16_t port;
        uint8_t access, io;
    } rows[] = {
        {SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_READ, 1},
        {SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 2},
        {SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1 | 8},
        {SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1 | 16},
        {SCONCE_X86_SHIM_PORT, HV_ACCESS_READ, 1},
        {SCONCE_X86_SHIM_PORT, HV_ACCESS_WRITE, 4},
        {0x80, HV_ACCESS_WRITE, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hv_io_port io;

        start_over(state);
        io = io_message(rows[i].port, rows[i].access, rows[i].io, 1, CODE_GPA + 4);
        run_to_io(&io);
        expect_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA + 4);
    }
}

/* ---- Traps ------------------------------------------------------------------------------------
 */

static void expect_syscall(uint64_t resume)
{
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.raw_nr, 60);
    assert_int_equal(result.u.syscall.args[0], 7);
    assert_int_equal(result.u.syscall.args[5], 9);
    assert_int_equal(vm.x86.syscall_resume, resume);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_SYSCALL);
}

static void syscall_by(enum sconce_x86_route route)
{
    vm.x86.route = route;
    hv_reg(HV_RAX)->low = 60;
    hv_reg(RDI)->low = 7;
    hv_reg(HV_RAX + 9)->low = 9; /* R9 */
    hv_reg(HV_RAX + 1)->low = CODE_GPA + 0x22;
    if (route == SCONCE_X86_ROUTE_UD) {
        put_syscall_at(CODE_GPA + 0x10);
        run_to_trap(6, 0, CODE_GPA + 0x10);
        expect_syscall(CODE_GPA + 0x12);
    } else {
        run_to_trap(14, 0x15, LSTAR);
        expect_syscall(CODE_GPA + 0x22);
    }
}

static void test_syscall_by_either_route(void **state)
{
    (void)state;
    syscall_by(SCONCE_X86_ROUTE_UD);
    start_over(state);
    syscall_by(SCONCE_X86_ROUTE_PF);
}

static void test_syscall_registers_come_from_the_page(void **state)
{
    (void)state;
    use_page();
    syscall_by(SCONCE_X86_ROUTE_UD);
    assert_int_equal(gets, 0);
    start_over(state);
    syscall_by(SCONCE_X86_ROUTE_UD);
    assert_int_equal(gets, 18);
}

static void test_trap_moves_the_shim_behind_its_out(void **state)
{
    (void)state;
    run_to_trap(0, 0, CODE_GPA);
    expect_fault(SCONCE_FAULT_ARITHMETIC, CODE_GPA);
    assert_int_equal(vm.general.rip, sconce_x86_shim_return(SCONCE_GPA_MAX, 0));
    assert_int_equal(vm.dirty, HV_DIRTY_IP);
    assert_int_equal(vm.x86.place, SCONCE_X86_IN_SHIM);
}

static void test_page_fault_has_its_address(void **state)
{
    (void)state;
    hv_reg(HV_CR2)->low = 0x1234000;
    run_to_trap(14, 6, CODE_GPA);
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA);
    assert_int_equal(result.u.fault.address, 0x1234000);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_WRITE);
}

static const struct fake_hvcall refused[] = {{EIO, 0x15, 0, false}};

static void test_page_fault_without_its_address_is_a_failure(void **state)
{
    (void)state;
    fake.hvcalls = refused;
    fake.hvcall_count = 1;
    run_to_trap(14, 6, CODE_GPA);
    expect_failure("cannot read the address of a page fault: the hypervisor says 0x15, invalid "
                   "state of the virtual processor");
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_HV_STATUS);
    assert_int_equal(result.u.fail.code, 0x15);
}

static void test_syscall_without_its_registers_is_a_failure(void **state)
{
    (void)state;
    fake.hvcalls = refused;
    fake.hvcall_count = 1;
    vm.x86.route = SCONCE_X86_ROUTE_UD;
    put_syscall_at(CODE_GPA);
    run_to_trap(6, 0, CODE_GPA);
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(vm.mshv.state, SCONCE_VCPU_DEAD);
}

static void test_trap_inside_the_shim_is_a_shutdown(void **state)
{
    struct hv_io_port io = trap(13, 0, SCONCE_GPA_MAX, SCONCE_X86_KERNEL_CS);

    (void)state;
    run_to_io(&io);
    expect_shutdown();
}

static void test_trap_from_outside_the_shim_is_a_failure(void **state)
{
    struct hv_io_port io = trap(6, 0, CODE_GPA, SCONCE_X86_USER_CS);

    (void)state;
    io.head.rip = CODE_GPA;
    run_to_io(&io);
    expect_failure("the shim's port was written by something else");
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

static void access_gpa(uint32_t type, uint8_t access, uint8_t info, uint16_t cpl, uint64_t gpa)
{
    const struct hv_gpa_access message = {
        .head = {.length_cr8 = 3, .access = access, .state = cpl, .rip = CODE_GPA + 8},
        .info = info,
        .gva = 0x500000,
        .gpa = gpa,
    };

    run_to(type, &message, sizeof message);
}

static void access_at(uint32_t type, uint8_t access, uint8_t info, uint16_t cpl)
{
    access_gpa(type, access, info, cpl, 0x600000);
}

static void test_memory_messages_are_faults(void **state)
{
    static const struct {
        uint8_t access;
        uint32_t is;
    } rows[] = {
        {HV_ACCESS_READ, SCONCE_ACCESS_READ},
        {HV_ACCESS_WRITE, SCONCE_ACCESS_WRITE},
        {HV_ACCESS_EXECUTE, SCONCE_ACCESS_EXEC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t type = MSHV_MESSAGE_UNMAPPED_GPA; type <= MSHV_MESSAGE_GPA_INTERCEPT;
             type++) {
            start_over(state);
            access_at(type, rows[i].access, HV_GPA_GVA_VALID, 3);
            expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
            assert_int_equal(result.u.fault.access, rows[i].is);
            assert_int_equal(result.u.fault.address, 0x500000);
            assert_int_equal(vm.dirty, 0); /* PC stays */
        }
}

static void test_memory_message_without_a_virtual_address_has_the_physical_one(void **state)
{
    (void)state;
    access_at(MSHV_MESSAGE_UNMAPPED_GPA, HV_ACCESS_READ, 0, 3);
    expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
    assert_int_equal(result.u.fault.address, 0x600000);
}

static void test_memory_message_of_the_shim_is_a_failure(void **state)
{
    (void)state;
    access_at(MSHV_MESSAGE_GPA_INTERCEPT, HV_ACCESS_WRITE, HV_GPA_GVA_VALID, 0);
    expect_failure("the shim's memory is not what it was");
}

/* The kernel could not bring back a page that the guest has every right to. */
static void test_memory_message_about_what_is_there_is_the_hosts_trouble(void **state)
{
    static const struct {
        uint64_t gpa;
        uint8_t access;
        uint16_t cpl;
        bool allowed;
    } rows[] = {
        {CODE_GPA, HV_ACCESS_READ, 3, true},       {CODE_GPA, HV_ACCESS_EXECUTE, 3, true},
        {CODE_GPA, HV_ACCESS_WRITE, 3, false},     {DATA_GPA, HV_ACCESS_WRITE, 3, true},
        {DATA_GPA, HV_ACCESS_EXECUTE, 3, false},   {DATA_GPA - 1, HV_ACCESS_EXECUTE, 3, true},
        {SCONCE_GPA_MAX, HV_ACCESS_READ, 0, true}, {CODE_GPA - 1, HV_ACCESS_READ, 3, false},
    };
    const struct sconce_mshv_region shim = {
        .gpa = SCONCE_GPA_MAX, .bytes = 4096, .host = own, .prot = SCONCE_PROT_READ};

    for (size_t i = 0; i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        uint32_t type = i % 2 ? MSHV_MESSAGE_UNMAPPED_GPA : MSHV_MESSAGE_GPA_INTERCEPT;

        start_over(state);
        sconce_mshv_regions_add(&vm.mshv.regions, FAKE_PARTITION_FD, &vm.mshv.memory, fresh());
        sconce_mshv_region_add(&vm.mshv.regions, FAKE_PARTITION_FD, &shim, fresh());
        access_gpa(type, rows[i / 2].access, HV_GPA_GVA_VALID, rows[i / 2].cpl, rows[i / 2].gpa);
        if (!rows[i / 2].allowed) {
            expect_fault(SCONCE_FAULT_MEMORY, CODE_GPA + 8);
            continue;
        }
        expect_failure("guest memory is not accessible to the host");
        assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_EXIT);
        assert_int_equal(result.u.fail.code, type);
    }
}

static void test_message_that_is_too_short_is_a_failure(void **state)
{
    struct hv_io_port io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 0, CODE_GPA);
    const struct hv_gpa_access access = {.head = {.state = 3}};
    const char *text = "the hypervisor's message is too short for what it is to tell";

    run_to(HV_MESSAGE_IO_PORT, &io, offsetof(struct hv_io_port, rax) + 7);
    expect_failure(text);
    start_over(state);
    run_to(MSHV_MESSAGE_UNMAPPED_GPA, &access, offsetof(struct hv_gpa_access, gpa) + 7);
    expect_failure(text);
    start_over(state);
    io = io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 0, CODE_GPA);
    run_to(HV_MESSAGE_IO_PORT, &io, offsetof(struct hv_io_port, rax) + 8);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
}

/* ---- Other messages ---------------------------------------------------------------------------
 */

static void test_unrecoverable_exception_waits_for_a_reset(void **state)
{
    (void)state;
    run_to(0x80000021, "", 1);
    expect_shutdown();
}

static void test_other_messages_are_failures_with_their_number(void **state)
{
    (void)state;
    run_to(0x80000020, "", 1);
    expect_failure("the hypervisor refuses to enter the guest: a register has a value that cannot "
                   "be");
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_EXIT);
    assert_int_equal(result.u.fail.code, 0x80000020);
    start_over(state);
    run_to(0x80000022, "", 1);
    expect_failure("the guest used what the hypervisor does not support");
    start_over(state);
    run_to(0x80010007, "", 1);
    expect_failure("the hypervisor sent a message that was not asked for (0x80010007)");
    assert_int_equal(result.u.fail.code, 0x80010007);
    start_over(state);
    run_to(0xdeadbeef, "", 1);
    expect_failure("the hypervisor sent a message that was not asked for (0xdeadbeef)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_doorbell_is_one_byte_of_rax, start_over),
        cmocka_unit_test_setup(test_doorbell_moves_rip_by_the_instructions_length_once, start_over),
        cmocka_unit_test_setup(test_doorbell_without_a_length_is_a_failure, start_over),
        cmocka_unit_test_setup(test_port_anything_else_is_a_fault_at_the_instruction, start_over),
        cmocka_unit_test_setup(test_syscall_by_either_route, start_over),
        cmocka_unit_test_setup(test_syscall_registers_come_from_the_page, start_over),
        cmocka_unit_test_setup(test_trap_moves_the_shim_behind_its_out, start_over),
        cmocka_unit_test_setup(test_page_fault_has_its_address, start_over),
        cmocka_unit_test_setup(test_page_fault_without_its_address_is_a_failure, start_over),
        cmocka_unit_test_setup(test_syscall_without_its_registers_is_a_failure, start_over),
        cmocka_unit_test_setup(test_trap_inside_the_shim_is_a_shutdown, start_over),
        cmocka_unit_test_setup(test_trap_from_outside_the_shim_is_a_failure, start_over),
        cmocka_unit_test_setup(test_memory_messages_are_faults, start_over),
        cmocka_unit_test_setup(test_memory_message_without_a_virtual_address_has_the_physical_one,
                               start_over),
        cmocka_unit_test_setup(test_memory_message_of_the_shim_is_a_failure, start_over),
        cmocka_unit_test_setup(test_memory_message_about_what_is_there_is_the_hosts_trouble,
                               start_over),
        cmocka_unit_test_setup(test_message_that_is_too_short_is_a_failure, start_over),
        cmocka_unit_test_setup(test_unrecoverable_exception_waits_for_a_reset, start_over),
        cmocka_unit_test_setup(test_other_messages_are_failures_with_their_number, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
