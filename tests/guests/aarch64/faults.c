/* SPDX-License-Identifier: Apache-2.0 */
/* What aarch64 refuses besides ../faults.c, in the same words. Sections are the Arm ARM's (DDI
 * 0487). */
#include <sconce/guest.h>

#include "machine.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

/* MEMORY at @address: accesses that the exception's syndrome does not describe by itself (no valid
 * ISS, D17.2.37): pairs, write-back, vectors, exclusives. They succeed where memory is accessible.
 */
SCONCE_EXPORT(void, pair_read_at, (uint64_t address))
{
    __asm__ volatile("ldp x1, x2, [%0]" : : "r"(address) : "x1", "x2", "memory");
}

SCONCE_EXPORT(void, pair_write_at, (uint64_t address))
{
    __asm__ volatile("stp xzr, xzr, [%0]" : : "r"(address) : "memory");
}

/* @address is the register's value before; the access is there. */
SCONCE_EXPORT(void, writeback_read_at, (uint64_t address))
{
    __asm__ volatile("ldr x1, [%0], #8" : "+r"(address) : : "x1", "memory");
}

SCONCE_EXPORT(void, writeback_write_at, (uint64_t address))
{
    address -= 16;
    __asm__ volatile("stp xzr, xzr, [%0, #16]!" : "+r"(address) : : "memory");
}

SCONCE_EXPORT(void, vector_read_at, (uint64_t address))
{
    __asm__ volatile("ld1 {v0.16b, v1.16b}, [%0]" : : "r"(address) : "v0", "v1", "memory");
}

SCONCE_EXPORT(void, vector_write_at, (uint64_t address))
{
    __asm__ volatile("st1 {v0.16b, v1.16b}, [%0]" : : "r"(address) : "memory");
}

SCONCE_EXPORT(void, exclusive_read_at, (uint64_t address))
{
    __asm__ volatile("ldaxr x1, [%0]\n\tclrex" : : "r"(address) : "x1", "memory");
}

/* MEMORY, write, in the line of @address (C5.3.28, DC ZVA). */
SCONCE_EXPORT(void, zero_line_at, (uint64_t address))
{
    __asm__ volatile("dc zva, %0" : : "r"(address) : "memory");
}

/* MEMORY, write, in memory that may be read alone. */
SCONCE_EXPORT(void, zero_boot, (void))
{
    zero_line_at((uintptr_t)sconce_boot());
}

SCONCE_EXPORT(void, pair_write_code, (void))
{
    pair_write_at((uintptr_t)pair_read_at & ~15ul);
}

SCONCE_EXPORT(void, vector_write_in, (void))
{
    vector_write_at(sconce_boot()->in_addr);
}

/* MEMORY, write, just below the stack, by what a function begins with. */
SCONCE_EXPORT(void, push_below_stack, (void))
{
    __asm__ volatile("mov x16, sp\n\tmov sp, %0\n\tstp x29, x30, [sp, #-32]!\n\tmov sp, x16"
                     :
                     : "r"(sconce_boot()->stack_top - sconce_boot()->stack_bytes)
                     : "x16", "memory");
}

/* MEMORY, read: cache maintenance, which counts as reading; it succeeds where memory is readable,
 * and nothing happens on a machine that has no caches to look after. */
SCONCE_EXPORT(void, clean_line_at, (uint64_t address))
{
    __asm__ volatile("dc cvau, %0" : : "r"(address) : "memory");
}

SCONCE_EXPORT(void, clean_invalidate_line_at, (uint64_t address))
{
    __asm__ volatile("dc civac, %0" : : "r"(address) : "memory");
}

SCONCE_EXPORT(void, invalidate_code_at, (uint64_t address))
{
    __asm__ volatile("ic ivau, %0" : : "r"(address) : "memory");
}

/* Succeeds: what programs do that make code, in memory that they may read. */
SCONCE_EXPORT(void, maintain_own_memory, (void))
{
    static uint64_t data[32];
    const uint64_t places[] = {(uintptr_t)data, (uintptr_t)maintain_own_memory,
                               (uintptr_t)sconce_boot(), (uintptr_t)places};

    for (unsigned i = 0; i < 4; i++)
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb\n\tdc civac, %0"
                         :
                         : "r"(places[i])
                         : "memory");
}

/* ---- Alignment ------------------------------------------------------------------------------- */

/* ALIGNMENT: instructions are words (D1.3.3). Where code is, as not every machine looks at the
 * address before it looks at the page. */
SCONCE_EXPORT(void, misaligned_jump, (void))
{
    __asm__ volatile("adr x16, .\n\tadd x16, x16, #2\n\tbr x16" : : : "x16");
}

/* ALIGNMENT: a stack pointer that is no multiple of 16 (D1.3.2). */
SCONCE_EXPORT(void, misaligned_stack, (void))
{
    __asm__ volatile(
        "mov x16, sp\n\tsub x17, x16, #8\n\tmov sp, x17\n\tldr x17, [sp]\n\tmov sp, x16"
        :
        :
        : "x16", "x17", "memory");
}

/* ALIGNMENT: an exclusive access beyond 16 bytes (B2.5.2; less may be allowed). */
SCONCE_EXPORT(void, misaligned_exclusive, (void))
{
    static const char bytes[64] __attribute__((aligned(64)));

    __asm__ volatile("ldxr x1, [%0]\n\tclrex" : : "r"(bytes + 12) : "x1", "memory");
}

/* Succeeds: any other access may be misaligned; 0x0807060504030201. */
SCONCE_EXPORT(uint64_t, misaligned_read, (void))
{
    static const char bytes[16] __attribute__((aligned(16))) = {0, 1, 2, 3, 4, 5, 6, 7, 8};

    return machine_read((uintptr_t)bytes + 1);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

/* Succeeds: a division by zero gives zero (C6.2.411, UDIV) and is no fault, with or without sign.
 */
SCONCE_EXPORT(uint64_t, divide_gives_zero, (void))
{
    uint64_t without_sign, with_sign;

    __asm__ volatile("udiv %0, %2, xzr\n\tsdiv %1, %2, xzr"
                     : "=&r"(without_sign), "=&r"(with_sign)
                     : "r"(7l));
    return without_sign | with_sign;
}

/* FLOAT with DZE (C5.2.8, FPCR bit 9), or it succeeds where the machine has no such traps. */
SCONCE_EXPORT(void, float_divide_by_zero, (void))
{
    double one = 1;

    __asm__ volatile("msr fpcr, %1\n\tmovi d1, #0\n\tfdiv %d0, %d0, d1\n\tmsr fpcr, xzr"
                     : "+w"(one)
                     : "r"(1ull << 9)
                     : "v1");
}

/* ---- Traps ----------------------------------------------------------------------------------- */

/* ILLEGAL: an encoding that nothing has. */
SCONCE_EXPORT(void, undefined_opcode, (void))
{
    __asm__ volatile(".inst 0xffffffff");
}

/* ILLEGAL: UDF with another number. */
SCONCE_EXPORT(void, udf_0xffff, (void))
{
    __asm__ volatile("udf #0xffff");
}

/* BREAKPOINT: numbers that kernels have a use for (arch/arm64/include/asm/brk-imm.h of Linux:
 * kprobes, uprobes, kgdb, BUG, KASAN). */
#define BREAKPOINT(number)                                                                         \
    SCONCE_EXPORT(void, brk_##number, (void))                                                      \
    {                                                                                              \
        __asm__ volatile("brk #" #number);                                                         \
    }                                                                                              \
    _Static_assert(1, "")

BREAKPOINT(0x4);
BREAKPOINT(0x5);
BREAKPOINT(0x400);
BREAKPOINT(0x800);
BREAKPOINT(0x900);
BREAKPOINT(0xf000);
BREAKPOINT(0xffff);

/* ILLEGAL, or it succeeds where the mechanism lets guests have SVE. */
SCONCE_EXPORT(void, sve, (void))
{
    __asm__ volatile(".inst 0x2538c000"); /* dup z0.b, #0 */
}

/* ILLEGAL: streaming mode of SME (C5.2, SVCR), or it succeeds as SVE does. */
SCONCE_EXPORT(void, sme, (void))
{
    __asm__ volatile(".inst 0xd503477f\n\t.inst 0xd503467f"); /* smstart; smstop */
}

/* ---- Traps that are answered ----------------------------------------------------------------- */

/* Succeeds: every SVC but the doorbell's is a system call, whatever its number; the number of those
 * that did not give -38. */
SCONCE_EXPORT(uint32_t, other_svc, (void))
{
    uint32_t wrong = 0;

#define CALL(number)                                                                               \
    do {                                                                                           \
        register int64_t result __asm__("x0") = 1;                                                 \
                                                                                                   \
        __asm__ volatile("mov x8, #39\n\tsvc #" #number : "+r"(result) : : "x8", "memory", "cc");  \
        wrong += result != -38;                                                                    \
    } while (0)
    CALL(0);
    CALL(1);
    CALL(0x80);
    CALL(0x5c0d);
    CALL(0x5c0f);
    CALL(0x5c);
    CALL(0xffff);
    return wrong;
}

/* Registers but X0 survive a system call, NZCV too: the number of those that did not, 0. */
static uint64_t kept_before[32] __attribute__((used));
static uint64_t kept_after[32] __attribute__((used));

SCONCE_EXPORT(uint32_t, syscall_keeps_registers, (void))
{
    uint32_t lost = 0;

    for (unsigned i = 0; i < 32; i++)
        kept_before[i] = 0x1111111111111111u * (i % 15 + 1) + i;
    kept_before[8] = 39;
    kept_before[31] = 0xa0000000; /* N and C */
    /* X29, X30 and SP are not for the compiler to lend. X28 comes last: it points at the values. */
    __asm__ volatile("stp x29, x30, [sp, #-16]!\n\t"
                     "adrp x28, kept_before\n\tadd x28, x28, :lo12:kept_before\n\t"
                     "ldr x0, [x28, #248]\n\tmsr nzcv, x0\n\t"
                     ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, "
                     "19, 20, 21, 22, 23, "
                     "24, 25, 26, 27, 29, 30, 28\n\tldr x\\n, [x28, #8 * \\n]\n\t.endr\n\t"
                     "svc #0\n\t"
                     "adrp x0, kept_after\n\tadd x0, x0, :lo12:kept_after\n\t"
                     ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
                     "20, 21, 22, 23, "
                     "24, 25, 26, 27, 28, 29, 30\n\tstr x\\n, [x0, #8 * \\n]\n\t.endr\n\t"
                     "mrs x1, nzcv\n\tstr x1, [x0, #248]\n\t"
                     "ldp x29, x30, [sp], #16"
                     :
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
                       "x23", "x24", "x25", "x26", "x27", "x28", "memory", "cc");
    for (unsigned i = 1; i < 32; i++)
        lost += kept_before[i] != kept_after[i];
    return lost;
}
