/* SPDX-License-Identifier: Apache-2.0 */
/* Guests for x86_64; arch.h says what each does. */
#include "plugins/shared/tests/arch.h"
#include "plugins/shared/tests/x86_64/code.h"

GUEST(bells, BELL(1) BELL(200) BELL(3));
GUEST(ring, "mov $0x420000, %ebx\n1: incq (%rbx)\n" BELL(1) "jmp 1b");
GUEST(count, "mov $0x420000, %ebx\n1: incq (%rbx)\n inc %r12\n cmpq $0, 8(%rbx)\n je 1b\n"
             "mov %r12, 16(%rbx)\n" BELL(8));
GUEST(add, "mov $0x420000, %ebx\n1: add %rdi, (%rbx)\n" BELL(1) "jmp 1b");
GUEST(fault, "mov %rdi, 0x420008\n ud2");
GUEST(bell_then_spin, BELL(1) LABEL(bell_then_spin_behind) "1: jmp 1b");
GUEST(nop_undefined, "nop\n" LABEL(nop_undefined_at) "ud2");
GUEST(write_data, "mov $0x420000, %ebx\n movq $0x1234, (%rbx)\n" BELL(1));
GUEST(write_code, LABEL(write_code_at) "movl $1, 0x400000");

GUEST(read_view, "mov 0x460000, %rax\n mov %rax, 0x420000\n" BELL(1));
GUEST(write_view, "mov $0x460000, %ebx\n movq $0x99, (%rbx)\n" BELL(1));
GUEST(run_view, "mov $0x460000, %eax\n jmp *%rax");
GUEST(walk, "mov $0x800000, %ebx\n1: incq (%rbx)\n add $0x20000, %rbx\n dec %rdi\n jnz 1b\n" BELL(
                1) "incq -0x10000(%rbx)\n");

GUEST(entry, "mov $0x420000, %ebx\n mov %rdi, (%rbx)\n mov %rsi, 8(%rbx)\n mov %rsp, 16(%rbx)\n"
             "mov %fs:0x100, %rax\n");
GUEST(saved,
      "mov $0x51, %ebx\n mov $0x52, %ebp\n mov $0x53, %r12d\n mov $0x54, %r15d\n"
      "push $0x55\n movq %rbx, %xmm6\n" BELL(
          1) "pop %rcx\n mov $0x420000, %edx\n"
             "mov %rbx, (%rdx)\n mov %rbp, 8(%rdx)\n mov %r12, 16(%rdx)\n mov %r15, 24(%rdx)\n"
             "mov %rcx, 32(%rdx)\n" BELL(2));
GUEST(syscall, "mov $39, %eax\n mov $1, %edi\n mov $2, %esi\n mov $3, %edx\n mov $4, %r10d\n"
               "mov $5, %r8d\n mov $6, %r9d\n mov $0x77, %ebx\n std\n syscall\n" LABEL(
                   syscall_behind) "mov %rsp, 0x420008\n pushf\n cld\n"
                                   "mov $0x420000, %ebp\n mov %rax, (%rbp)\n mov %rbx, 16(%rbp)\n"
                                   "pop %rax\n mov %rax, 24(%rbp)\n"
                                   "mov %rcx, 32(%rbp)\n mov %r11, 40(%rbp)\n" BELL(4));
GUEST(odd_syscall, "pushf\n orq $0x44400, (%rsp)\n popf\n mov $0x8000000000000000, %rsp\n"
                   "mov $1, %eax\n syscall\n mov %rsp, 0x420000\n" BELL(5));
GUEST(own_tls, "mov $158, %eax\n syscall\n mov %fs:0, %rax\n mov %rax, 0x420010\n" BELL(6));
GUEST(store, STORE(rax, 0) STORE(r15, 8) "movups %xmm9, 0x420010\n" BELL(3));
GUEST(trap, "mov $7, %r15d\n mov $0x9, %eax\n syscall\n 1: jmp 1b");
GUEST(trap_loop, "1: mov $1, %eax\n syscall\n jmp 1b");
GUEST(filler, "hlt");
