/* SPDX-License-Identifier: Apache-2.0 */
/* test-faults.c for x86_64. */
#include "plugins/shared/tests/fault-rows.h"
#include "plugins/shared/tests/x86_64/code.h"

#include <string.h>

#define SET_FLAG(mask) "pushf\n orq $" #mask ", (%rsp)\n popf\n"

const char *const arch_write_null_text = "#PF, error 0x6";

/* Memory. */
GUEST_AT(read_null, LABEL(read_null_at) "mov 0, %eax");
GUEST_AT(write_null, LABEL(write_null_at) "movl $1, 0");
GUEST_AT(write_hole, LABEL(write_hole_at) "movl $1, 0x430000");
GUEST(run_data, "mov $0x420000, %eax\n jmp *%rax");
GUEST(run_hole, "mov $0x430000, %eax\n jmp *%rax");
GUEST(overflow_stack, "mov $0x440000, %esp\n push %rax");
GUEST(tiny_stack, "mov $8, %esp\n push %rax");
/* The machine's: a value that is no address. */
GUEST(wild_read, "mov $0x8000000000000000, %rax\n mov (%rax), %eax");
GUEST(wild_stack, "mov $0x8000000000000000, %rsp\n push %rax");
GUEST(wild_jump, "mov $0x8000000000000000, %rax\n jmp *%rax");

/* Instructions. */
GUEST_AT(undefined, LABEL(undefined_at) "ud2");
GUEST(bad_lock, ".byte 0xf0, 0x90");
GUEST(divide, "xor %ecx, %ecx\n div %ecx");
GUEST_AT(breakpoint, "int3\n" LABEL(breakpoint_at));
GUEST(step, SET_FLAG(0x100) "nop\n nop");
GUEST(unaligned, SET_FLAG(0x40000) "mov 0x420001, %eax");
GUEST(x87, "push $0x340\n fldcw (%rsp)\n fldz\n fld1\n fdivp\n fwait");
GUEST(simd, "push $0x1d00\n ldmxcsr (%rsp)\n xorps %xmm0, %xmm0\n divss %xmm0, %xmm0");

/* Privilege. */
GUEST(hlt, "hlt");
GUEST(cli, "cli");
GUEST(sti, "sti");
GUEST(read_cr0, "mov %cr0, %rax");
GUEST(write_cr3, "mov %rax, %cr3");
GUEST(write_dr7, "mov %rax, %db7");
GUEST(rdmsr, "mov $0xc0000080, %ecx\n rdmsr");
GUEST(wrmsr, "mov $0xc0000080, %ecx\n wrmsr");
GUEST(lgdt, "lgdt (%rsp)");
GUEST(lidt, "lidt (%rsp)");
GUEST(ltr, "ltr %ax");
GUEST(invlpg, "invlpg (%rsp)");
GUEST(swapgs, "swapgs");
GUEST(wbinvd, "wbinvd");
GUEST(iretq_to_ring0, "push $0x18\n push %rsp\n pushf\n push $0x10\n push $0x400000\n iretq");
GUEST(load_kernel_ss, "mov $0x18, %eax\n mov %eax, %ss");
GUEST(sysret, "sysretq");

/* Ports: the doorbell's neighbours, other widths and directions. */
GUEST(port_below, "out %al, $0x5b");
GUEST(port_above, "out %al, $0x5d");
GUEST(port_shim, "out %al, $0x5e");
GUEST(port_zero, "out %al, $0");
GUEST(port_far, "mov $0xcf8, %edx\n out %al, %dx");
GUEST(port_word, "out %ax, $0x5c");
GUEST(port_long, "out %eax, $0x5c");
GUEST(port_in, "in $0x5c, %al");
GUEST(port_string, "mov $0x5c, %edx\n mov $0x420000, %esi\n mov $64, %ecx\n rep outsb");
GUEST(port_string_in, "mov $0x5c, %edx\n mov $0x420000, %edi\n mov $64, %ecx\n rep insb");

/* The kind of these is the host's choice: it may hide them behind another exception. */
GUEST(int80, "int $0x80");
GUEST(int2e, "int $0x2e");
GUEST(int8, "int $8");
GUEST(int1, ".byte 0xf1");
GUEST(sysenter, "sysenter");
GUEST(mode32, "push $0x23\n lea 1f(%rip), %rax\n push %rax\n lretq\n1: .byte 0x0f, 0x0b");
GUEST(mode32_syscall, "push $0x23\n lea 1f(%rip), %rax\n push %rax\n lretq\n1: syscall\n ud2");
GUEST(step_syscall, SET_FLAG(0x100) "syscall\n ud2");

const struct fault_row arch_fault_rows[] = {
    MEMORY(overflow_stack, WRITE, STACK_GPA - 8, 5),
    MEMORY(tiny_stack, WRITE, 0, 5),
    DENIED(wild_read, 10),
    ROW(wild_stack, SCONCE_FAULT_STACK, SCONCE_ACCESS_UNKNOWN, 0x8000000000000000, 10),
    DENIED(wild_jump, ANY),

    OTHER(bad_lock, ILLEGAL, 0),
    OTHER(divide, ARITHMETIC, 2),
    OTHER(step, STEP, ANY),
    OTHER(unaligned, ALIGNMENT, 10),
    OTHER(x87, FLOAT, ANY),
    OTHER(simd, FLOAT, ANY),

    DENIED(hlt, 0),
    DENIED(cli, 0),
    DENIED(sti, 0),
    DENIED(read_cr0, 0),
    DENIED(write_cr3, 0),
    DENIED(write_dr7, 0),
    DENIED(rdmsr, 5),
    DENIED(wrmsr, 5),
    DENIED(lgdt, 0),
    DENIED(lidt, 0),
    DENIED(ltr, 0),
    DENIED(invlpg, 0),
    DENIED(swapgs, 0),
    DENIED(wbinvd, 0),
    DENIED(iretq_to_ring0, ANY),
    DENIED(load_kernel_ss, 5),
    HOSTS_CHOICE(sysret),

    DENIED(port_below, 0),
    DENIED(port_above, 0),
    DENIED(port_shim, 0),
    DENIED(port_zero, 0),
    DENIED(port_far, 5),
    DENIED(port_word, 0),
    DENIED(port_long, 0),
    DENIED(port_in, ANY),
    DENIED(port_string_in, ANY),

    HOSTS_CHOICE(int80),
    HOSTS_CHOICE(int2e),
    HOSTS_CHOICE(int8),
    HOSTS_CHOICE(int1),
    HOSTS_CHOICE(sysenter),
    HOSTS_CHOICE(mode32),
    HOSTS_CHOICE(mode32_syscall),
    {0},
};

/* A host may lose the flag on the way; nothing worse may happen. */
static void test_run_single_step_over_a_syscall_ends_in_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(step_syscall));
    guest_enter(&guest);

    guest_run(&guest, &exit);
    if (exit.kind == SCONCE_EXIT_SYSCALL) {
        assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
        guest_run(&guest, &exit);
    }

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    guest_free(&guest);
}

/* A mechanism may show a string instruction byte by byte: doorbells, as many as the guest asked
 * for. */
static void test_run_string_output_is_doorbells_or_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    int bells = 0;

    (void)state;
    guest_new(&guest, CODE(port_string));
    memset(guest_data(&guest), 9, 64);
    guest_enter(&guest);

    for (guest_run(&guest, &exit); exit.kind == SCONCE_EXIT_DOORBELL; guest_run(&guest, &exit)) {
        assert_int_equal(exit.u.doorbell.number, 9);
        assert_true(++bells <= 64);
    }

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    guest_reset(&guest);
    guest_load(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_run_single_step_over_a_syscall_ends_in_a_fault),
    cmocka_unit_test(test_run_string_output_is_doorbells_or_a_fault),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
