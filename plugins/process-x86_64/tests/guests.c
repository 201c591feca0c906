/* SPDX-License-Identifier: Apache-2.0 */
/* Guests for x86_64; guests.h of plugins/shared/process/tests says what each does. */
#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/x86_64/code.h"

GUEST(three_bells, BELL(1) BELL(2) BELL(3));
GUEST(bells_and_call,
      BELL(1) BELL(2) "mov $39, %eax\nsyscall\ncmp $-38, %rax\njne 1f\n" BELL(3) "1: ud2\n");
GUEST(count_on, "mov $0x420000, %ebx\n xor %r15d, %r15d\n1: inc %r15\n incq (%rbx)\n jmp 1b");
/* The frame of its last stop, with another mask (uc_sigmask is 296 bytes in) and PC (168), returned
 * into by the stub itself, behind the report: SITE is told in the stub's head. */
GUEST(deaf, BELL(1) "mov $0xfff810000, %rbx\n mov (%rbx), %rcx\n movq $-1, 296(%rcx)\n"
                    "lea 1f(%rip), %rax\n mov %rax, 168(%rcx)\n mov $0xfff800000, %rdx\n"
                    "mov 4(%rdx), %ecx\n add %rcx, %rdx\n xor %eax, %eax\n jmp *%rdx\n"
                    "1: mov $0x420000, %ebx\n2: incq (%rbx)\n jmp 2b");
GUEST(run_data, BELL(1) "movb $0xc3, 0x420000\nmov $0x420000, %eax\njmp *%rax\n");
GUEST(read_far, "mov 0x42fff8, %rax\n" BELL(1));

uint64_t show_fault_address(struct fake_guest *guest)
{
    struct sconce_x86_special special;

    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    return special.cr2;
}
