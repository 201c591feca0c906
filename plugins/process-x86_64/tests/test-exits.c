/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/process-x86_64/exits.c: the test writes the frames, as a kernel does and as only a
 * hostile guest could.
 */
#include <signal.h>
#include <string.h>

#include <linux/audit.h>

#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/tests/exits.h"

#define VSYSCALL 0xffffffffff600000ull

static struct process_x86_vm vm;

static int start_over(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    memset(arena, 0x90, sizeof arena);
    lay_out(&vm.base.memory, &vm.base.state);
    vm.frame.cs = vm.shape.pattern.cs = 0x33; /* __USER_CS */
    vm.frame.code = SI_KERNEL;
    vm.frame.rip = CODE_GPA + 0x10;
    return 0;
}

static void put_code(uint64_t gpa, const char *code, size_t bytes)
{
    memcpy(arena + (gpa - CODE_GPA), code, bytes);
    vm.frame.rip = gpa;
}

/* ---- #GP(0): a doorbell, or not ------------------------------------------------------------ */

static void expect_gp(uint8_t skip)
{
    vm.frame.trapno = 13;
    assert_true(process_x86_decode(&vm.base, SIGSEGV, &result));
    assert_int_equal(vm.skip, skip);
    if (skip) {
        assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
        assert_int_equal(result.u.doorbell.number, vm.frame.rax & 0xff);
        assert_int_equal(vm.base.state, SCONCE_VCPU_RUNNABLE);
    } else {
        expect_fault(SCONCE_FAULT_PRIVILEGE, vm.frame.rip);
    }
    start_over(NULL);
}

static void test_gp_at_out_imm8_is_a_doorbell(void **state)
{
    (void)state;
    put_code(CODE_GPA, "\xe6\x5c", 2);
    vm.frame.rax = 0xffffffffffffff07;
    vm.frame.rdx = 0x1234; /* nothing to it */
    expect_gp(2);
    put_code(CODE_END - 2, "\xe6\x5c", 2);
    expect_gp(2);
}

static void test_gp_at_out_dx_is_a_doorbell(void **state)
{
    (void)state;
    put_code(CODE_GPA, "\xee", 1);
    vm.frame.rax = 200;
    vm.frame.rdx = SCONCE_DOORBELL_PORT_X86_64;
    expect_gp(1);
    put_code(CODE_GPA, "\xee", 1);
    vm.frame.rdx = 0xdeadbeef0000005c; /* DX is 16 bits of it */
    expect_gp(1);
    put_code(CODE_END - 1, "\xee", 1);
    vm.frame.rdx = SCONCE_DOORBELL_PORT_X86_64;
    expect_gp(1);
}

static void test_gp_at_another_port_is_a_fault(void **state)
{
    static const uint64_t dx[] = {0, 0x5b, 0x5d, 0x15c, 0x5c00, 0x5c0000};

    (void)state;
    put_code(CODE_GPA, "\xe6\x5b", 2);
    expect_gp(0);
    put_code(CODE_GPA, "\xe6\x5d", 2);
    expect_gp(0);
    for (size_t i = 0; i < sizeof dx / sizeof dx[0]; i++) {
        put_code(CODE_GPA, "\xee", 1);
        vm.frame.rdx = dx[i];
        expect_gp(0);
    }
}

static void test_gp_at_other_instructions_is_a_fault(void **state)
{
    static const struct {
        const char *code;
        size_t bytes;
    } rows[] = {
        {"\xe7\x5c", 2}, {"\x66\xe7\x5c", 3}, {"\xe4\x5c", 2},     {"\xef", 1},
        {"\xec", 1},     {"\xf3\x6e", 2},     {"\x48\xe6\x5c", 3}, {"\x66\xe6\x5c", 3},
        {"\xf4", 1},     {"\xfa", 1},         {"\x0f\x30", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_code(CODE_GPA, rows[i].code, rows[i].bytes);
        vm.frame.rdx = SCONCE_DOORBELL_PORT_X86_64;
        expect_gp(0);
    }
}

static void test_gp_where_no_code_is_is_a_fault(void **state)
{
    static const uint64_t nowhere[] = {0, CODE_GPA - 1, DATA_GPA + SCONCE_MEM_GRANULE, 1ull << 63,
                                       UINT64_MAX};

    (void)state;
    put_code(DATA_GPA, "\xe6\x5c", 2);
    expect_gp(0);
    put_code(CODE_END - 1, "\xe6\x5c", 2); /* half of it */
    expect_gp(0);
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        vm.frame.rip = nowhere[i];
        vm.frame.rdx = SCONCE_DOORBELL_PORT_X86_64;
        expect_gp(0);
    }
}

static void test_gp_with_an_error_code_is_a_fault(void **state)
{
    (void)state;
    put_code(CODE_GPA, "\xe6\x5c", 2);
    vm.frame.error = 0x18;
    expect_gp(0);
}

/* ---- The other exceptions ------------------------------------------------------------------ */

#define CR2 0x7654321000ull
#define RSP 0x440ff8ull

static void test_exceptions_are_faults_by_their_vector(void **state)
{
    static const struct {
        int signal, code;
        uint64_t trapno, error;
        uint32_t kind, access;
        uint64_t address;
    } rows[] = {
        {SIGSEGV, SEGV_MAPERR, 14, 4, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, CR2},
        {SIGSEGV, SEGV_ACCERR, 14, 5, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, CR2},
        {SIGSEGV, SEGV_MAPERR, 14, 6, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE, CR2},
        {SIGSEGV, SEGV_ACCERR, 14, 7, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE, CR2},
        {SIGSEGV, SEGV_MAPERR, 14, 0x14, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_EXEC, CR2},
        {SIGSEGV, SEGV_ACCERR, 14, 0x15, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_EXEC, CR2},
        {SIGBUS, BUS_ADRERR, 14, 4, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, CR2},
        {SIGSEGV, SI_KERNEL, 13, 0, SCONCE_FAULT_PRIVILEGE, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGSEGV, SI_KERNEL, 13, 0x402, SCONCE_FAULT_PRIVILEGE, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGBUS, SI_KERNEL, 12, 0, SCONCE_FAULT_STACK, SCONCE_ACCESS_UNKNOWN, RSP},
        {SIGBUS, BUS_ADRALN, 17, 0, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGILL, ILL_ILLOPN, 6, 0, SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGTRAP, SI_KERNEL, 3, 0, SCONCE_FAULT_BREAKPOINT, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGTRAP, TRAP_BRKPT, 1, 0, SCONCE_FAULT_STEP, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGTRAP, TRAP_TRACE, 1, 0, SCONCE_FAULT_STEP, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGFPE, FPE_INTDIV, 0, 0, SCONCE_FAULT_ARITHMETIC, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGFPE, FPE_FLTINV, 16, 0, SCONCE_FAULT_FLOAT, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGFPE, FPE_FLTDIV, 19, 0, SCONCE_FAULT_FLOAT, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGSEGV, SEGV_MAPERR, 4, 0, SCONCE_FAULT_OTHER, SCONCE_ACCESS_UNKNOWN, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        vm.frame.code = rows[i].code;
        vm.frame.trapno = rows[i].trapno;
        vm.frame.error = rows[i].error;
        vm.frame.cr2 = CR2;
        vm.frame.rsp = RSP;
        assert_true(process_x86_decode(&vm.base, rows[i].signal, &result));
        expect_fault(rows[i].kind, CODE_GPA + 0x10);
        assert_int_equal(result.u.fault.access, rows[i].access);
        assert_int_equal(result.u.fault.address, rows[i].address);
        assert_int_equal(result.u.fault.detail, rows[i].trapno | rows[i].error << 8);
        assert_int_equal(vm.skip, 0);
    }
}

/* The frame's vector is believed where it is one that raises the signal. */
static void test_signal_with_an_older_vector_is_told_without_it(void **state)
{
    static const struct {
        int signal;
        uint64_t trapno;
        uint32_t kind;
        uint64_t detail;
    } rows[] = {
        {SIGILL, 3, SCONCE_FAULT_ILLEGAL, 7}, /* #NM: state that is not permitted */
        {SIGILL, 13, SCONCE_FAULT_ILLEGAL, 7},    {SIGSEGV, 3, SCONCE_FAULT_OTHER, 0xff},
        {SIGBUS, 13, SCONCE_FAULT_OTHER, 0xff},   {SIGTRAP, 13, SCONCE_FAULT_OTHER, 0xff},
        {SIGFPE, 13, SCONCE_FAULT_OTHER, 0xff},   {SIGSEGV, 99, SCONCE_FAULT_OTHER, 0xff},
        {SIGWINCH, 14, SCONCE_FAULT_OTHER, 0xff}, {-1, 14, SCONCE_FAULT_OTHER, 0xff},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        put_code(CODE_GPA + 0x10, "\xe6\x5c", 2); /* no doorbell by another signal */
        vm.frame.code = SI_KERNEL;
        vm.frame.trapno = rows[i].trapno;
        assert_true(process_x86_decode(&vm.base, rows[i].signal, &result));
        assert_int_equal(result.kind, SCONCE_EXIT_FAULT);
        assert_int_equal(result.u.fault.kind, rows[i].kind);
        assert_int_equal(result.u.fault.detail, rows[i].detail);
        assert_int_equal(vm.skip, 0);
    }
}

/* ---- System calls -------------------------------------------------------------------------- */

static void trap(uint64_t behind, uint32_t arch)
{
    vm.frame.code = 1;    /* SYS_SECCOMP */
    vm.frame.trapno = 13; /* left from before */
    vm.frame.call_address = behind;
    vm.frame.call_arch = arch;
    vm.frame.call_number = 0x27;
    vm.frame.rip = behind;
    assert_true(process_x86_decode(&vm.base, SIGSYS, &result));
}

static void test_trap_in_the_guests_code_is_a_system_call(void **state)
{
    static const uint64_t args[6] = {1, 2, 3, 4, 5, UINT64_MAX};

    (void)state;
    put_code(CODE_GPA + 0x20, "\x0f\x05", 2);
    vm.frame.rax = 0xfedcba9876543210; /* all of RAX, not the kernel's 32 bits of it */
    vm.frame.rdi = args[0];
    vm.frame.rsi = args[1];
    vm.frame.rdx = args[2];
    vm.frame.r10 = args[3];
    vm.frame.rcx = 77;
    vm.frame.r8 = args[4];
    vm.frame.r9 = args[5];

    trap(CODE_GPA + 0x22, AUDIT_ARCH_X86_64);

    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.id, SCONCE_SYS_UNKNOWN);
    assert_int_equal(result.u.syscall.raw_nr, 0xfedcba9876543210);
    assert_memory_equal(result.u.syscall.args, args, sizeof args);
    assert_int_equal(vm.base.state, SCONCE_VCPU_SYSCALL);
}

static void test_trap_at_the_end_of_the_code_is_a_system_call(void **state)
{
    (void)state;
    put_code(CODE_END - 2, "\x0f\x05", 2);
    trap(CODE_END, AUDIT_ARCH_X86_64);
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
}

static void expect_fetch_fault(uint64_t behind)
{
    trap(behind, AUDIT_ARCH_X86_64);
    expect_fault(SCONCE_FAULT_MEMORY, behind);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_EXEC);
    assert_int_equal(result.u.fault.address, behind);
    start_over(NULL);
}

static void test_trap_elsewhere_is_a_fetch_fault(void **state)
{
    (void)state;
    expect_fetch_fault(SCONCE_STUB_AT + 0x80);
    expect_fetch_fault(VSYSCALL);
    expect_fetch_fault(0);
    expect_fetch_fault(1);
    put_code(CODE_GPA, "\x0f\x34", 2); /* SYSENTER */
    expect_fetch_fault(CODE_GPA + 2);
    put_code(DATA_GPA, "\x0f\x05", 2); /* where no code is */
    expect_fetch_fault(DATA_GPA + 2);
    put_code(CODE_END - 1, "\x0f\x05", 2);
    expect_fetch_fault(CODE_END + 1);
}

static void test_trap_by_int_0x80_is_a_privilege_fault(void **state)
{
    (void)state;
    put_code(CODE_GPA, "\xcd\x80", 2);
    trap(CODE_GPA + 2, AUDIT_ARCH_I386);
    expect_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA);
    assert_int_equal(result.u.fault.detail, 13 | 0x402 << 8);
}

/* ---- Neither -------------------------------------------------------------------------------- */

static void test_signals_that_somebody_sent_are_nothing(void **state)
{
    static const int codes[] = {SI_USER, SI_QUEUE, SI_TKILL, SI_ASYNCIO, INT32_MIN};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

    (void)state;
    put_code(CODE_GPA, "\xe6\x5c", 2);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
            vm.frame.code = codes[i];
            vm.frame.trapno = 13;
            assert_false(process_x86_decode(&vm.base, signals[s], &result));
            assert_int_equal(result.kind, 0);
            assert_int_equal(vm.base.state, SCONCE_VCPU_RUNNABLE);
            assert_int_equal(vm.skip, 0);
        }
}

static void test_stops_in_32_bit_code_are_privilege_faults(void **state)
{
    static const struct {
        int signal;
        uint64_t trapno;
    } rows[] = {{SIGSEGV, 13}, {SIGSEGV, 14}, {SIGILL, 6}, {SIGSYS, 0}, {SIGTRAP, 3}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        put_code(CODE_GPA, "\xe6\x5c", 2);
        vm.frame.cs = 0x23;
        vm.frame.trapno = rows[i].trapno;
        vm.frame.call_arch = AUDIT_ARCH_X86_64;
        assert_true(process_x86_decode(&vm.base, rows[i].signal, &result));
        expect_fault(SCONCE_FAULT_PRIVILEGE, CODE_GPA);
        assert_int_equal(vm.skip, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_gp_at_out_imm8_is_a_doorbell, start_over),
        cmocka_unit_test_setup(test_gp_at_out_dx_is_a_doorbell, start_over),
        cmocka_unit_test_setup(test_gp_at_another_port_is_a_fault, start_over),
        cmocka_unit_test_setup(test_gp_at_other_instructions_is_a_fault, start_over),
        cmocka_unit_test_setup(test_gp_where_no_code_is_is_a_fault, start_over),
        cmocka_unit_test_setup(test_gp_with_an_error_code_is_a_fault, start_over),
        cmocka_unit_test_setup(test_exceptions_are_faults_by_their_vector, start_over),
        cmocka_unit_test_setup(test_signal_with_an_older_vector_is_told_without_it, start_over),
        cmocka_unit_test_setup(test_trap_in_the_guests_code_is_a_system_call, start_over),
        cmocka_unit_test_setup(test_trap_at_the_end_of_the_code_is_a_system_call, start_over),
        cmocka_unit_test_setup(test_trap_elsewhere_is_a_fetch_fault, start_over),
        cmocka_unit_test_setup(test_trap_by_int_0x80_is_a_privilege_fault, start_over),
        cmocka_unit_test_setup(test_signals_that_somebody_sent_are_nothing, start_over),
        cmocka_unit_test_setup(test_stops_in_32_bit_code_are_privilege_faults, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
