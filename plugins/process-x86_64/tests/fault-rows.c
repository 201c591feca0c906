/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of guests of process-x86_64 that touch what the backend or the kernel has in their address
 * space. */
#include "plugins/shared/tests/fault-rows.h"
#include "plugins/shared/process/layout.h"

/* Documentation/arch/x86/x86_64/mm.rst: the page of old entry points, where a kernel has it. */
#define VSYSCALL 0xffffffffff600000ull

GUEST(write_stub, "mov $0xfff800000, %rax\n movl $1, (%rax)");
GUEST(run_control, "mov $0xfff810000, %rax\n jmp *%rax");
GUEST(read_beyond, "mov $0xfff820000, %rax\n mov (%rax), %eax");
GUEST(read_between, "mov $0xfff801000, %rax\n mov (%rax), %eax");
GUEST(read_kernel, "mov $0xffffffff81000000, %rax\n mov (%rax), %eax");
GUEST(call_vsyscall, "mov $0xffffffffff600000, %rax\n xor %edi, %edi\n call *%rax");
GUEST(write_vsyscall, "mov $0xffffffffff600000, %rax\n movl $1, (%rax)");
GUEST(mode32_int80, "push $0x23\n lea 1f(%rip), %rax\n push %rax\n lretq\n1: int $0x80\n ud2");
GUEST(int80_kind, "int $0x80");

const struct fault_row own_fault_rows[] = {
    MEMORY(write_stub, WRITE, SCONCE_STUB_AT, 10),
    MEMORY(run_control, EXEC, SCONCE_CONTROL_AT, SCONCE_CONTROL_AT),
    MEMORY(read_beyond, READ, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES, 10),
    MEMORY(read_between, READ, SCONCE_STUB_AT + SCONCE_STUB_PAGE, 10),
    MEMORY(read_kernel, READ, 0xffffffff81000000, 7),
    MEMORY(call_vsyscall, EXEC, VSYSCALL, VSYSCALL),
    MEMORY(write_vsyscall, WRITE, VSYSCALL, 7),
    DENIED(mode32_int80, ANY),
    DENIED(int80_kind, 0),
    {0},
};
