/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/process-aarch64/exits.c: the test writes the frames, as a kernel does and as only a
 * hostile guest could.
 */
#include <signal.h>
#include <string.h>

#include "plugins/process-aarch64/process-aarch64.h"
#include "plugins/shared/tests/exits.h"

#define PC (CODE_GPA + 0x10)

#define NOP 0xd503201fu
#define BELL 0xd40b81c1u /* svc #0x5c0e */
#define SVC(number) (0xd4000001u | (uint32_t)(number) << 5)

static struct process_a64_vm vm;

static void put_insn(uint64_t gpa, uint32_t insn)
{
    memcpy(arena + (gpa - CODE_GPA), &insn, sizeof insn);
}

static int start_over(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    for (uint64_t gpa = CODE_GPA; gpa < CODE_GPA + sizeof arena; gpa += 4)
        put_insn(gpa, NOP);
    lay_out(&vm.base.memory, &vm.base.state);
    vm.frame.code = 1;
    vm.frame.pc = PC;
    return 0;
}

/* The first record, as it is in no kernel's frame, but found. */
static void put_syndrome(uint64_t esr)
{
    const struct process_a64_syndrome record = {.head = {PROCESS_A64_ESR_MAGIC, sizeof record},
                                                .esr = esr};

    memcpy(vm.records, &record, sizeof record);
}

/* ---- Traps: doorbells and system calls ------------------------------------------------------ */

static void trap(uint64_t behind)
{
    vm.frame.address = vm.frame.pc = behind;
    vm.frame.call_number = 0x27;
    put_syndrome(0x92000046); /* left from before */
    assert_true(process_a64_decode(&vm.base, SIGSYS, &result));
}

static void test_trap_with_the_private_number_is_a_doorbell(void **state)
{
    static const uint64_t calls[] = {0, 124, 139, 132, 93, UINT64_MAX, 1ull << 32};

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        start_over(state);
        put_insn(PC, BELL);
        vm.frame.x[0] = 200;
        vm.frame.x[8] = calls[i]; /* nothing to it */
        trap(PC + 4);
        assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
        assert_int_equal(result.u.doorbell.number, 200);
        assert_int_equal(result.u.doorbell.reserved0, 0);
        assert_int_equal(vm.base.state, SCONCE_VCPU_RUNNABLE);
        assert_false(vm.moved);
    }
}

static void test_trap_a_doorbells_number_is_not_cut(void **state)
{
    (void)state;
    put_insn(PC, BELL);
    vm.frame.x[0] = 1ull << 32 | SCONCE_DOORBELL_READY;
    trap(PC + 4);
    assert_int_equal(result.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(result.u.doorbell.number, UINT32_MAX);
}

static void test_trap_with_another_number_is_a_system_call(void **state)
{
    static const uint32_t numbers[] = {0, 1, 0x5c0d, 0x5c0f, 0x0e5c, 0xffff};
    static const uint64_t args[6] = {1, 2, 3, 4, 5, UINT64_MAX};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        start_over(state);
        put_insn(CODE_END - 4, SVC(numbers[i]));
        memcpy(vm.frame.x, args, sizeof args);
        vm.frame.x[6] = 7;
        vm.frame.x[8] = 0xfedcba9876543210; /* all of X8, not the kernel's 32 bits of it */
        trap(CODE_END);
        assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
        assert_int_equal(result.u.syscall.id, SCONCE_SYS_UNKNOWN);
        assert_int_equal(result.u.syscall.raw_nr, 0xfedcba9876543210);
        assert_memory_equal(result.u.syscall.args, args, sizeof args);
        assert_int_equal(vm.base.state, SCONCE_VCPU_SYSCALL);
    }
}

/* With an X0 of -ERESTARTNOINTR. */
static void test_trap_that_the_kernel_would_make_again_goes_on_behind_it(void **state)
{
    (void)state;
    put_insn(PC, SVC(0));
    vm.frame.x[0] = (uint64_t)-513;
    vm.frame.address = PC + 4;
    assert_true(process_a64_decode(&vm.base, SIGSYS, &result));
    assert_int_equal(result.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(result.u.syscall.args[0], (uint64_t)-513);
    assert_int_equal(vm.frame.pc, PC + 4);
    assert_true(vm.moved);
}

static void expect_fetch_fault(uint64_t behind)
{
    trap(behind);
    expect_fault(SCONCE_FAULT_MEMORY, behind - 4);
    assert_int_equal(result.u.fault.access, SCONCE_ACCESS_EXEC);
    assert_int_equal(result.u.fault.address, behind - 4);
    start_over(NULL);
}

static void test_trap_elsewhere_is_a_fetch_fault(void **state)
{
    static const uint32_t others[] = {NOP,
                                      0xd4000002 /* HVC */,
                                      0xd4000003 /* SMC */,
                                      0xd4200000,
                                      0xd4400000,
                                      0x54000001,
                                      0,
                                      UINT32_MAX};

    (void)state;
    expect_fetch_fault(SCONCE_STUB_AT + 0x80);
    expect_fetch_fault(0);
    expect_fetch_fault(4);
    expect_fetch_fault(UINT64_MAX & ~3ull);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        put_insn(PC, others[i]);
        expect_fetch_fault(PC + 4);
    }
    put_insn(DATA_GPA, BELL); /* where no code is */
    expect_fetch_fault(DATA_GPA + 4);
    put_insn(PC, BELL);
    expect_fetch_fault(PC + 5); /* where none can be */
    put_insn(CODE_END - 4, BELL);
    expect_fetch_fault(CODE_END + 2);
}

/* ---- Exceptions ----------------------------------------------------------------------------- */

#define FAR 0x7654321000ull
#define SP 0x440ff8ull

static void test_exceptions_are_faults_by_their_syndrome(void **state)
{
    static const struct {
        int signal, code;
        uint64_t esr;
        uint32_t kind, access;
        uint64_t address;
    } rows[] = {
        {SIGSEGV, SEGV_MAPERR, 0x92000006, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, FAR},
        {SIGSEGV, SEGV_MAPERR, 0x92000046, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE, FAR},
        {SIGSEGV, SEGV_ACCERR, 0x9200004f, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE, FAR},
        {SIGSEGV, SEGV_MAPERR, 0x92000146, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, FAR},
        {SIGSEGV, SEGV_ACCERR, 0x8200000f, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_EXEC, FAR},
        {SIGBUS, BUS_ADRERR, 0x92000007, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ, FAR},
        {SIGBUS, BUS_ADRALN, 0x92000021, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, FAR},
        {SIGBUS, BUS_ADRALN, 0x8a000000, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, FAR},
        {SIGBUS, BUS_ADRALN, 0x9a000000, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, SP},
        {SIGILL, ILL_ILLOPN, 0x72000000, SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGILL, ILL_ILLOPC, 0x26000000, SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGILL, ILL_ILLOPC, 0x2a000001, SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN, 0},
        {SIGILL, ILL_ILLOPC, 0x3a000000, SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        vm.frame.code = rows[i].code;
        vm.frame.address = FAR;
        vm.frame.sp = SP;
        put_syndrome(rows[i].esr);
        assert_true(process_a64_decode(&vm.base, rows[i].signal, &result));
        expect_fault(rows[i].kind, PC);
        assert_int_equal(result.u.fault.access, rows[i].access);
        assert_int_equal(result.u.fault.address, rows[i].address);
        assert_int_equal(result.u.fault.detail, rows[i].esr);
        assert_int_equal(vm.esr, rows[i].esr);
    }
}

/* The kernel tells the syndrome of some exceptions alone; of others the signal has to. */
static void test_signals_without_a_syndrome_are_told_as_what_raises_them(void **state)
{
    static const struct {
        int signal, code;
        uint64_t pc, sp;
        uint32_t insn;
        uint32_t kind;
        uint64_t esr;
    } rows[] = {
        {SIGILL, ILL_ILLOPC, PC, SP, 0, SCONCE_FAULT_ILLEGAL, 0x02000000},
        {SIGILL, ILL_ILLOPC, PC, SP, 0xd45e0000, SCONCE_FAULT_PRIVILEGE, 0x02000000}, /* HLT */
        {SIGILL, ILL_ILLOPC, PC, SP, 0xd4000002, SCONCE_FAULT_PRIVILEGE, 0x02000000}, /* HVC */
        {SIGILL, ILL_ILLOPC, PC, SP, 0xd5381000, SCONCE_FAULT_PRIVILEGE, 0x02000000}, /* MRS */
        {SIGILL, ILL_ILLOPC, DATA_GPA, SP, 0xd45e0000, SCONCE_FAULT_ILLEGAL, 0x02000000},
        {SIGTRAP, 1, PC, SP, 0xd4200000, SCONCE_FAULT_BREAKPOINT, 0xf2000000},
        {SIGTRAP, 1, PC, SP, 0xd43fffe0, SCONCE_FAULT_BREAKPOINT, 0xf200ffff},
        {SIGTRAP, 1, PC, SP, NOP, SCONCE_FAULT_BREAKPOINT, 0xf2000000},
        {SIGTRAP, 2, PC, SP, NOP, SCONCE_FAULT_STEP, 0xca000000},
        {SIGTRAP, 4, PC, SP, NOP, SCONCE_FAULT_STEP, 0xc2000000},
        {SIGTRAP, 99, PC, SP, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
        {SIGFPE, FPE_FLTDIV, PC, SP, NOP, SCONCE_FAULT_FLOAT, 0xb2000000},
        {SIGBUS, BUS_ADRALN, PC + 2, SP, NOP, SCONCE_FAULT_ALIGNMENT, 0x8a000000},
        {SIGBUS, BUS_ADRALN, PC, SP, NOP, SCONCE_FAULT_ALIGNMENT, 0x9a000000},
        {SIGBUS, BUS_ADRALN, PC, SP & ~15ull, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
        {SIGBUS, BUS_OBJERR, PC + 2, SP, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
        {SIGSEGV, SEGV_MAPERR, PC, SP, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
        {SIGWINCH, 1, PC, SP, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
        {-1, 1, PC, SP, NOP, SCONCE_FAULT_OTHER, 0xfe000000},
    };
    /* None, and one of an exception that raises another signal. */
    static const uint64_t left[] = {0, 0x56000000 /* SVC */, 0xfe000000};

    for (size_t i = 0; i < sizeof left / sizeof left[0] * sizeof rows / sizeof rows[0]; i++) {
        size_t row = i % (sizeof rows / sizeof rows[0]);

        start_over(state);
        vm.frame.code = rows[row].code;
        vm.frame.pc = rows[row].pc;
        vm.frame.sp = rows[row].sp;
        put_insn(rows[row].pc & ~3ull, rows[row].insn);
        if (left[i / (sizeof rows / sizeof rows[0])])
            put_syndrome(left[i / (sizeof rows / sizeof rows[0])]);
        assert_true(process_a64_decode(&vm.base, rows[row].signal, &result));
        expect_fault(rows[row].kind, rows[row].pc);
        assert_int_equal(result.u.fault.detail, rows[row].esr);
    }
}

static void test_signal_with_an_older_syndrome_is_told_without_it(void **state)
{
    static const struct {
        int signal;
        uint64_t esr;
        uint32_t kind;
    } rows[] = {
        {SIGILL, 0x92000046, SCONCE_FAULT_ILLEGAL},
        {SIGILL, 0x62300000, SCONCE_FAULT_ILLEGAL}, /* as every trap of what is undefined then */
        {SIGTRAP, 0x92000046, SCONCE_FAULT_BREAKPOINT},
        {SIGFPE, 0x92000046, SCONCE_FAULT_FLOAT},
        {SIGSEGV, 0x8a000000, SCONCE_FAULT_OTHER},
        {SIGSEGV, 0x62300000, SCONCE_FAULT_OTHER},
        {SIGBUS, 0x62300000, SCONCE_FAULT_OTHER},
        {SIGTRAP, 0x62300000, SCONCE_FAULT_BREAKPOINT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_over(state);
        put_syndrome(rows[i].esr);
        vm.frame.code = 1;
        assert_true(process_a64_decode(&vm.base, rows[i].signal, &result));
        assert_int_equal(result.u.fault.kind,
                         rows[i].signal == SIGBUS ? SCONCE_FAULT_OTHER : rows[i].kind);
        assert_int_not_equal(result.u.fault.detail, rows[i].esr);
    }
}

/* ---- Neither -------------------------------------------------------------------------------- */

static void test_signals_that_somebody_sent_are_nothing(void **state)
{
    static const int codes[] = {SI_USER, SI_QUEUE, SI_TKILL, SI_ASYNCIO, INT32_MIN};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

    (void)state;
    put_insn(PC - 4, BELL);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
            vm.frame.code = codes[i];
            vm.frame.address = PC;
            assert_false(process_a64_decode(&vm.base, signals[s], &result));
            assert_int_equal(result.kind, 0);
            assert_int_equal(vm.base.state, SCONCE_VCPU_RUNNABLE);
            assert_int_equal(vm.frame.pc, PC);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_trap_with_the_private_number_is_a_doorbell, start_over),
        cmocka_unit_test_setup(test_trap_a_doorbells_number_is_not_cut, start_over),
        cmocka_unit_test_setup(test_trap_with_another_number_is_a_system_call, start_over),
        cmocka_unit_test_setup(test_trap_that_the_kernel_would_make_again_goes_on_behind_it,
                               start_over),
        cmocka_unit_test_setup(test_trap_elsewhere_is_a_fetch_fault, start_over),
        cmocka_unit_test_setup(test_exceptions_are_faults_by_their_syndrome, start_over),
        cmocka_unit_test_setup(test_signals_without_a_syndrome_are_told_as_what_raises_them,
                               start_over),
        cmocka_unit_test_setup(test_signal_with_an_older_syndrome_is_told_without_it, start_over),
        cmocka_unit_test_setup(test_signals_that_somebody_sent_are_nothing, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
