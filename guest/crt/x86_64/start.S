/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of the guest SDK that is x86_64: the entry point, the way back in after a restore, and the
 * doorbell.
 */
#include "sconce-guest-abi.h"

    .section .text.hot.sconce_start, "ax", @progbits

#ifdef SCONCE_PROCESS

/*
 * In a sandbox: entered with the stack pointer at the top of the stack and the boot page's address
 * in RDI. By Linux: with a stack of its making and RDI 0 (System V ABI, AMD64 supplement 3.4.1
 * promises nothing; the kernel's ELF_PLAT_INIT clears it).
 */
    .globl sconce_start
    .hidden sconce_start
    .type sconce_start, @function
sconce_start:
    endbr64
    xorl %ebp, %ebp             /* the end of every backtrace */
    testq %rdi, %rdi
    jz 1f
    andq $-16, %rsp
    movq %rdi, %rbx
    movq %rsp, %r12
    call sconce_process_bytes
    subq %rax, %rsp             /* what is written lies above what its writer uses */
    movq %rbx, %rdi
    movq %rsp, %rsi
    movq %r12, %rdx
    call sconce_process_stack
    movq %rbx, %rdi
    call sconce_isa_check
    xorl %edx, %edx             /* nothing to run at exit */
1:  jmp _start                  /* the C library's */
    .size sconce_start, . - sconce_start

/* uint64_t sconce_thread_pointer(void): FS base, which the first word there repeats (ELF TLS for
 * x86_64, 3.4.6). */
    .globl sconce_thread_pointer
    .hidden sconce_thread_pointer
    .type sconce_thread_pointer, @function
sconce_thread_pointer:
    endbr64
    movq %fs:0, %rax
    ret
    .size sconce_thread_pointer, . - sconce_thread_pointer

#else

/* Entered with the stack pointer at the top of the stack and the boot page's address in RDI. */
    .globl _start
    .type _start, @function
_start:
    endbr64
    xorl %ebp, %ebp             /* the end of every backtrace */
    andq $-16, %rsp
    call sconce_guest_start     /* does not return */
    ud2
    .size _start, . - _start

#endif

/* The same state as _start; a call is waiting in IN. */
    .globl sconce_resume_entry
    .hidden sconce_resume_entry
    .type sconce_resume_entry, @function
sconce_resume_entry:
    .globl sconce_resume
    .type sconce_resume, @function
sconce_resume:
    endbr64
    xorl %ebp, %ebp
    andq $-16, %rsp
    call sconce_guest_resume    /* does not return */
    ud2
    .size sconce_resume_entry, . - sconce_resume_entry
    .size sconce_resume, . - sconce_resume

/*
 * void sconce_doorbell(uint32_t number)
 * READY may lose every register but RIP, RSP and the TLS bases, so what a callee keeps is kept on
 * the stack; the direction flag is a callee's duty as well. It may also find all memory put back to
 * a snapshot, the stack too: then what RSP points to is another's, and the way back in is taken,
 * with the floating-point control of a function's entry (psABI 3.2.3).
 * Where the host looks at the turn word, it is rung there first; a plain store is a release, and a
 * plain load an acquire (SDM vol 3, 9.2.2).
 */
    .globl sconce_doorbell
    .type sconce_doorbell, @function
sconce_doorbell:
    .cfi_startproc
    endbr64
    .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
    .endr
    movl %edi, %eax
    movq sconce_boot_page(%rip), %rdx
    movl SCONCE_BOOT_TURN_SPINS_AT(%rdx), %ecx
    testl %ecx, %ecx
    jz 3f
    movl $SCONCE_TURN_DOORBELLS, %esi
    btl %edi, %esi
    jnc 3f
    movq SCONCE_BOOT_TURN_ADDR_AT(%rdx), %rdx
    movl %eax, (%rdx)
1:  cmpl %eax, (%rdx)
    jne 2f
    pause
    decl %ecx
    jnz 1b
    movl $SCONCE_TURN_ASLEEP, %esi
    lock cmpxchgl %esi, (%rdx)
    je 3f
2:  cmpl $SCONCE_TURN_ANSWERED, (%rdx)
    movl %edi, %eax
    jne 3f
    movq sconce_boot_page(%rip), %rdx   /* the host has read the last frame: have its lines back */
    movq SCONCE_BOOT_OUT_ADDR_AT(%rdx), %rdx
    prefetchw (%rdx)
    prefetchw 64(%rdx)
    jmp 4f
3:  outb %al, $SCONCE_DOORBELL_PORT_X86_64
4:  cld
    movq sconce_boot_page(%rip), %rdi
    movq SCONCE_BOOT_REWOUND_SP_AT(%rdi), %rax
    testq %rax, %rax
    jnz sconce_rewound
    .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
    .endr
    ret
    .cfi_endproc
    .size sconce_doorbell, . - sconce_doorbell

    .type sconce_rewound, @function
sconce_rewound:
    movq %rax, %rsp
    fninit
    pushq $0x1f80
    ldmxcsr (%rsp)
    popq %rax
    jmp sconce_resume_entry
    .size sconce_rewound, . - sconce_rewound

    .section .note.GNU-stack, "", @progbits
