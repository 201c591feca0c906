/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests' guests do in machine code. Every architecture's folder has a file of this name
 * with the same macros and functions; a guest that needs no more is one source for all.
 */
#ifndef SCONCE_TESTS_MACHINE_H
#define SCONCE_TESTS_MACHINE_H

#include <stdint.h>

#include "sconce-guest-abi.h"

/* ---- Functions ------------------------------------------------------------------------------- */

/* The bytes of a function that returns. */
#define MACHINE_RETURN 0xc3

static inline uint64_t machine_read(uint64_t address)
{
    uint64_t word;

    __asm__ volatile("movq (%1), %0" : "=r"(word) : "r"(address) : "memory");
    return word;
}

static inline uint8_t machine_read_byte(uint64_t address)
{
    uint8_t byte;

    __asm__ volatile("movb (%1), %0" : "=r"(byte) : "r"(address) : "memory");
    return byte;
}

static inline void machine_write(uint64_t address)
{
    __asm__ volatile("movq $1, (%0)" : : "r"(address) : "memory");
}

static inline void machine_jump(uint64_t address)
{
    __asm__ volatile("jmp *%0" : : "r"(address) : "memory");
}

static inline void machine_call(uint64_t address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "memory");
}

/* What leaves the guest again and again, though the host's kernel may serve it by itself. */
static inline void machine_identify(void)
{
    __asm__ volatile("cpuid" : : "a"(0) : "rbx", "rcx", "rdx");
}

/* ---- Pieces of inline assembly --------------------------------------------------------------- */

#define MACHINE_UNDEFINED "ud2\n\t"
#define MACHINE_BREAKPOINT "int3\n\t"
#define MACHINE_WRITE_NULL "movb $1, 0\n\t"
#define MACHINE_JUMP_TO_SELF "1: jmp 1b\n\t"
#define MACHINE_PAUSE "pause\n\t"
/* Reads four bytes at [address] + 1, one that no alignment fits, into [word]. */
#define MACHINE_READ_MISALIGNED "movl 1(%[address]), %[word]\n\t"

/* A doorbell. It stands alone, so that nothing comes between it and what was done before. */
#define MACHINE_BELL "outb %%al, %[port]\n\t"
#define MACHINE_BELL_INPUTS(number) "a"(number), [port] "i"(SCONCE_DOORBELL_PORT_X86_64)

/* A system call with no arguments. */
#define MACHINE_SYSCALL "syscall\n\t"
#define MACHINE_SYSCALL_INPUTS(number) "a"(number)
#define MACHINE_SYSCALL_RESULT(result) "=a"(result)

/* Flags that the program may set: OR-ed in from [flags]; read into [seen] and the usual ones again;
 * the usual ones again. */
#define MACHINE_SET_FLAGS "pushfq\n\torq %[flags], (%%rsp)\n\tpopfq\n\t"
#define MACHINE_TAKE_FLAGS "pushfq\n\tpopq %[seen]\n\tpushq $2\n\tpopfq\n\t"
#define MACHINE_CLEAR_FLAGS "pushq $2\n\tpopfq\n\t"

/* The stack pointer: kept in a variable, where no register and no stack is needed to find it, and
 * [sp] instead; read into [seen]; back from the variable. A push. */
#define MACHINE_WILD_SP(kept) "movq %%rsp, " #kept "(%%rip)\n\tmovq %[sp], %%rsp\n\t"
#define MACHINE_TAKE_SP "movq %%rsp, %[seen]\n\t"
#define MACHINE_TAME_SP(kept) "movq " #kept "(%%rip), %%rsp\n\t"
#define MACHINE_PUSH "pushq $1\n\t"

/* What any of these may change besides. */
#define MACHINE_CLOBBERS "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc"

#endif
