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

/* The bytes of a function that returns: RET. */
#define MACHINE_RETURN 0xc0, 0x03, 0x5f, 0xd6

static inline uint64_t machine_read(uint64_t address)
{
    uint64_t word;

    __asm__ volatile("ldr %0, [%1]" : "=r"(word) : "r"(address) : "memory");
    return word;
}

static inline uint8_t machine_read_byte(uint64_t address)
{
    uint32_t byte;

    __asm__ volatile("ldrb %w0, [%1]" : "=r"(byte) : "r"(address) : "memory");
    return (uint8_t)byte;
}

static inline void machine_write(uint64_t address)
{
    __asm__ volatile("str %1, [%0]" : : "r"(address), "r"(1l) : "memory");
}

static inline void machine_jump(uint64_t address)
{
    __asm__ volatile("br %0" : : "r"(address) : "memory");
}

static inline void machine_call(uint64_t address)
{
    __asm__ volatile("blr %0" : : "r"(address) : "x30", "memory");
}

/* What leaves the guest again and again, though the host's kernel may serve it by itself: a
 * hypervisor may trap the type of the caches (Arm ARM D17.2.34, CTR_EL0). */
static inline void machine_identify(void)
{
    uint64_t caches;

    __asm__ volatile("mrs %0, ctr_el0" : "=r"(caches));
}

/* ---- Pieces of inline assembly --------------------------------------------------------------- */

#define MACHINE_UNDEFINED "udf #0\n\t"
#define MACHINE_BREAKPOINT "brk #0\n\t"
#define MACHINE_WRITE_NULL "mov x16, xzr\n\tstrb wzr, [x16]\n\t"
#define MACHINE_JUMP_TO_SELF "1: b 1b\n\t"
#define MACHINE_PAUSE "yield\n\t"
/* Reads four bytes at [address] + 1, one that no alignment fits, into [word]. */
#define MACHINE_READ_MISALIGNED "ldur %w[word], [%[address], #1]\n\t"

/* A doorbell. It stands alone, so that nothing comes between it and what was done before. */
#define MACHINE_BELL "mov x0, %[bell]\n\tsvc %[port]\n\t"
#define MACHINE_BELL_INPUTS(number)                                                                \
    [bell] "r"((uint64_t)(number)), [port] "i"(SCONCE_DOORBELL_SVC_AARCH64)

/* A system call with no arguments. */
#define MACHINE_SYSCALL "mov x8, %[number]\n\tsvc #0\n\tmov %[result], x0\n\t"
#define MACHINE_SYSCALL_INPUTS(nr) [number] "r"((uint64_t)(nr))
#define MACHINE_SYSCALL_RESULT(to) [result] "=r"(to)

/* Flags that the program may set, N Z C V (Arm ARM C5.2.10, NZCV): from [flags]; read into [seen]
 * and none; none. */
#define MACHINE_SET_FLAGS "msr nzcv, %[flags]\n\t"
#define MACHINE_TAKE_FLAGS "mrs %[seen], nzcv\n\tmsr nzcv, xzr\n\t"
#define MACHINE_CLEAR_FLAGS "msr nzcv, xzr\n\t"

/* The stack pointer: kept in a variable, where no register and no stack is needed to find it, and
 * [sp] instead; read into [seen]; back from the variable. A push. */
#define MACHINE_WILD_SP(kept)                                                                      \
    "mov x16, sp\n\tadrp x17, " #kept "\n\tstr x16, [x17, :lo12:" #kept "]\n\tmov sp, %[sp]\n\t"
#define MACHINE_TAKE_SP "mov %[seen], sp\n\t"
#define MACHINE_TAME_SP(kept)                                                                      \
    "adrp x17, " #kept "\n\tldr x16, [x17, :lo12:" #kept "]\n\tmov sp, x16\n\t"
#define MACHINE_PUSH "stp xzr, xzr, [sp, #-16]!\n\t"

/* What any of these may change besides. */
#define MACHINE_CLOBBERS                                                                           \
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
        "x15", "x16", "x17", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18",  \
        "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", \
        "memory", "cc"

#endif
