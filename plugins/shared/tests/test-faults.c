/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each way in which a guest can go wrong: a fault with its kind, address, access and PC; terminal
 * until the reset; no harm to this VM after it, nor to the next one.
 */
#include "plugins/shared/tests/fault-rows.h"

#include <stdio.h>
#include <string.h>

#define SET_FLAG(mask) "pushf\n orq $" #mask ", (%rsp)\n popf\n"

GUEST(bell, BELL(42));

/* Memory. */
GUEST(read_null, "mov 0, %eax");
GUEST(write_null, "movl $1, 0");
GUEST(write_hole, "movl $1, 0x430000");
GUEST(write_code, "movl $1, 0x400000");
GUEST(run_data, "mov $0x420000, %eax\n jmp *%rax");
GUEST(run_hole, "mov $0x430000, %eax\n jmp *%rax");
GUEST(overflow_stack, "mov $0x440000, %esp\n push %rax");
GUEST(tiny_stack, "mov $8, %esp\n push %rax");
/* The machine's: a value that is no address. */
GUEST(wild_read, "mov $0x8000000000000000, %rax\n mov (%rax), %eax");
GUEST(wild_stack, "mov $0x8000000000000000, %rsp\n push %rax");
GUEST(wild_jump, "mov $0x8000000000000000, %rax\n jmp *%rax");

/* Instructions. */
GUEST(undefined, "ud2");
GUEST(bad_lock, ".byte 0xf0, 0x90");
GUEST(divide, "xor %ecx, %ecx\n div %ecx");
GUEST(breakpoint, "int3");
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

static const struct fault_row rows[] = {
    MEMORY(read_null, READ, 0, 0),
    MEMORY(write_null, WRITE, 0, 0),
    MEMORY(write_hole, WRITE, UNMAPPED_GPA, 0),
    MEMORY(write_code, WRITE, CODE_GPA, 0),
    MEMORY(run_data, EXEC, DATA_GPA, DATA_GPA),
    MEMORY(run_hole, EXEC, UNMAPPED_GPA, UNMAPPED_GPA),
    MEMORY(overflow_stack, WRITE, STACK_GPA - 8, 5),
    MEMORY(tiny_stack, WRITE, 0, 5),
    DENIED(wild_read, 10),
    ROW(wild_stack, SCONCE_FAULT_STACK, SCONCE_ACCESS_UNKNOWN, 0x8000000000000000, 10),
    DENIED(wild_jump, ANY),

    OTHER(undefined, ILLEGAL, 0),
    OTHER(bad_lock, ILLEGAL, 0),
    OTHER(divide, ARITHMETIC, 2),
    OTHER(breakpoint, BREAKPOINT, 1), /* behind it, as the machine has it */
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
};

static void expect_row(const struct fault_row *row, const struct sconce_exit *exit)
{
    const struct sconce_exit_fault *fault = &exit->u.fault;
    uint64_t pc = row->pc < SCONCE_MEM_GRANULE ? CODE_GPA + row->pc : row->pc;
    bool right = exit->kind == SCONCE_EXIT_FAULT;

    right = right && (row->kind == ANY_KIND || row->kind == fault->kind);
    right = right && (row->address == ANY ||
                      (row->address == fault->address && row->access == fault->access));
    right = right && (row->pc == ANY || pc == fault->pc);
    if (!right)
        fail_msg("%s: exit %u, kind %u, access %u, address 0x%llx, pc 0x%llx, detail 0x%llx",
                 row->name, exit->kind, fault->kind, fault->access,
                 (unsigned long long)fault->address, (unsigned long long)fault->pc,
                 (unsigned long long)fault->detail);
}

/* As the row says, then terminal, then reset: the same VM and another one work. */
static void test_run_misbehaviour_is_a_fault(void **state)
{
    const struct fault_row *row = *state;
    struct fake_guest guest, other;
    struct sconce_exit exit;

    guest_new(&guest, row->code, row->end);
    guest_enter(&guest);

    guest_run(&guest, &exit);
    expect_row(row, &exit);

    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot run the guest: it stopped for good and was not reset");
    guest_reset(&guest);
    guest_load(&guest, guest_bell, guest_bell_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 42);
    guest_new(&other, guest_bell, guest_bell_end);
    guest_enter(&other);
    guest_expect_bell(&other, 42);
    guest_free(&other);
    guest_free(&guest);
}

/* A host may lose the flag on the way; nothing worse may happen. */
static void test_run_single_step_over_a_syscall_ends_in_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_step_syscall, guest_step_syscall_end);
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
    guest_new(&guest, guest_port_string, guest_port_string_end);
    memset(guest_data(&guest), 9, 64);
    guest_enter(&guest);

    for (guest_run(&guest, &exit); exit.kind == SCONCE_EXIT_DOORBELL; guest_run(&guest, &exit)) {
        assert_int_equal(exit.u.doorbell.number, 9);
        assert_true(++bells <= 64);
    }

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    guest_reset(&guest);
    guest_load(&guest, guest_bell, guest_bell_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 42);
    guest_free(&guest);
}

static void test_describe_fault_names_a_real_page_fault(void **state)
{
    const struct sconce_ext_arch *arch = plugin->get_extension(SCONCE_EXT_ARCH);
    struct fake_guest guest;
    struct sconce_exit exit;
    char text[64];

    (void)state;
    guest_new(&guest, guest_write_null, guest_write_null_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    arch->describe_fault(&exit.u.fault, text, sizeof text);

    assert_string_equal(text, "#PF, error 0x6");
    guest_free(&guest);
}

#define ROWS (sizeof rows / sizeof rows[0])

static struct CMUnitTest row_test(const struct fault_row *row)
{
    return (struct CMUnitTest){.name = row->name,
                               .test_func = test_run_misbehaviour_is_a_fault,
                               .initial_state = (void *)(uintptr_t)row};
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[3 + ROWS + MAX_OWN_FAULT_ROWS] = {
        cmocka_unit_test(test_run_single_step_over_a_syscall_ends_in_a_fault),
        cmocka_unit_test(test_run_string_output_is_doorbells_or_a_fault),
        cmocka_unit_test(test_describe_fault_names_a_real_page_fault),
    };
    size_t count = 3;

    for (size_t i = 0; i < ROWS; i++)
        tests[count++] = row_test(&rows[i]);
    for (size_t i = 0; i < MAX_OWN_FAULT_ROWS && own_fault_rows[i].name; i++)
        tests[count++] = row_test(&own_fault_rows[i]);
    return fake_host_main(argc, argv, tests, count);
}
