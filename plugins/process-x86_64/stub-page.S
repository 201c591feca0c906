/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub: the one page of our code in a guest's process. It reports what stops the guest, and
 * goes on as the host says. It keeps nothing: behind its report no register is looked at but the
 * kernel's answer, since the guest may have jumped here with anything in them; all that follows comes
 * from constants and from what the host wrote while the kernel held the child.
 *
 * The page is position-independent but for SCONCE_STUB_AT, where it always lies. There are two of
 * it, which differ in how they come by the bases of FS and GS, and in what their walls let through:
 * stub.S and stub-prctl.S. Each says where its page goes (STUB_SECTION) and gives three macros:
 *
 *     save_bases    to the control area; keeps RDI and RDX
 *     load_bases    from there; whatever is in the registers
 *     bases_calls   what both have out of line: system calls, behind those of all pages
 */
#include <asm/unistd.h>

#include "plugins/process-x86_64/control.h"
#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/stub-head.h"

#define STUB_NUMBER_(name) __NR_##name
#define STUB_NUMBER(name) STUB_NUMBER_(name)

    .section STUB_SECTION, "ax", @progbits
    .balign SCONCE_STUB_PAGE
raw_stub:
    .long SCONCE_STUB_MAGIC
    .long site - raw_stub
    .long filter_listener - raw_stub
    .long raw_start - raw_stub
    .long handler - raw_stub
    .long finish - raw_stub
stack_description: /* stack_t */
    .quad SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET
    .quad 0
    .quad SCONCE_ALTSTACK_BYTES

    .set control, raw_stub + SCONCE_CONTROL_DISTANCE

/*
 * Every signal arrives here, on the alternate stack: RDI its number, RDX the ucontext. Flags that
 * bite are none: the kernel has cleared DF and TF, and nothing here is unaligned (AC).
 */
handler:
    /* A new stop; what is reported again without this is an old one (child.h). */
    movq $0, control + SCONCE_CONTROL_FRAME(%rip)
    /* Not in the signal frame: the bases of FS and GS, and DS and ES. */
    save_bases
    movl %ds, %eax
    movw %ax, control + SCONCE_CONTROL_DS(%rip)
    movl %es, %eax
    movw %ax, control + SCONCE_CONTROL_ES(%rip)

    /* The first two arguments: signal and ucontext. */
    movq %rdx, %rsi
    movl $STUB_NUMBER(SCONCE_STUB_SYSCALL), %eax
    syscall
site:
    /* ENOSYS: nobody listens any more, and nobody will say how to go on. All signals are blocked
     * here, so the exception ends the process. */
    testq %rax, %rax
    jnz deaf
    /* Released by the host, which has written what follows is to load. */
    load_bases

    /* A guest that returned from a signal of its own making may have moved the alternate stack. The
     * kernel does not change it while the stack pointer is on it, which 0 never is. */
    xorl %esp, %esp
    leaq stack_description(%rip), %rdi
    xorl %esi, %esi
    movl $__NR_sigaltstack, %eax
    syscall

    movq control + SCONCE_CONTROL_FRAME(%rip), %rsp
    movl $__NR_rt_sigreturn, %eax
    syscall
deaf:
    ud2

/*
 * RDI, RSI: the zygote's text; RDX, RCX: its data, the stack among it. Both go; then nothing is
 * mapped but the guest's memory, this page and the control area. The filter closes behind it.
 */
finish:
    movq %rdx, %r12
    movq %rcx, %r13
    movl $__NR_munmap, %eax
    syscall
    testq %rax, %rax
    jnz failed
    movq %r12, %rdi
    movq %r13, %rsi
    movl $__NR_munmap, %eax
    syscall
    testq %rax, %rax
    jnz failed

    movl $1, %edi               /* SECCOMP_SET_MODE_FILTER */
    xorl %esi, %esi
    leaq filter_wall(%rip), %rdx
    movl $__NR_seccomp, %eax
    syscall
    testq %rax, %rax
    jnz failed
    /* The first exit. The host takes its frame as a pattern: no guest has run yet. A fault at 0,
     * since every frame tells of the thread's last page fault (thread.cr2, which fork() copies):
     * it was the host's until now. */
    xorl %eax, %eax
    movl (%rax), %eax
    ud2

failed:
    negl %eax
    movl %eax, control + SCONCE_CONTROL_ERROR(%rip)
    movl $1, %edi
    movl $__NR_exit_group, %eax
    syscall
    ud2

    bases_calls

#include STUB_FILTERS

    /* Filled with int3, so that a stray jump is a fault at its own address. (An error when the page is too
     * small.) */
    .org raw_stub + SCONCE_STUB_PAGE, 0xcc
    .section .note.GNU-stack, "", @progbits
