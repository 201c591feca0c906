/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of guests that touch the shim of arch/x86_64 and what is beside it in their address space,
 * under whatever hypervisor. */
#include "plugins/shared/tests/fault-rows.h"

#define SHIM_GPA (SCONCE_GPA_MAX + 0x2000)
#define TABLES_GPA (SCONCE_GPA_MAX + 0x4000)

GUEST(run_shim, "mov $0xfff002000, %rax\n jmp *%rax");
GUEST(read_shim, "mov $0xfff002000, %rax\n mov (%rax), %eax");
GUEST(read_gdt, "mov $0xfff000000, %rax\n mov (%rax), %eax");
GUEST(write_stack_of_shim, "mov $0xfff003000, %rax\n mov %eax, (%rax)");
GUEST(read_tables, "mov $0xfff004000, %rax\n mov (%rax), %eax");
GUEST(jump_lstar, "mov $0xfff002ff8, %rax\n mov $0xffff800000000000, %rcx\n jmp *%rax");

const struct fault_row own_fault_rows[] = {
    MEMORY(run_shim, EXEC, SHIM_GPA, SHIM_GPA),
    MEMORY(read_shim, READ, SHIM_GPA, 10),
    MEMORY(read_gdt, READ, SCONCE_GPA_MAX, 10),
    MEMORY(write_stack_of_shim, WRITE, SCONCE_GPA_MAX + 0x3000, 10),
    MEMORY(read_tables, READ, TABLES_GPA, 10),
    HOSTS_CHOICE(jump_lstar),
    {0},
};
