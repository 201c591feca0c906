/* SPDX-License-Identifier: Apache-2.0 */
/* Which registers aarch64's guests can write, and what is in them when nothing is. */
#include <string.h>

#include <sconce/guest.h>

#include "registers.h"

/* All machines have the same. SVE is no part of what guests may count on. */
uint32_t registers_available(void)
{
    return CLASS_FLOAT | CLASS_TLS;
}

uint32_t registers_withheld(void)
{
    return 0;
}

static void check_general(void)
{
    registers_leak("x0", captured.general[0], (uintptr_t)sconce_boot());
    for (unsigned i = 1; i < 31; i++)
        registers_leak(sconce_format("x%u", i).data, captured.general[i], 0);
    if (captured.how == CAPTURED_AT_RESUME)
        registers_leak("sp", captured.sp, sconce_boot()->stack_top);
    registers_leak("nzcv", captured.nzcv, 0);
    registers_leak("tls", captured.tls, 0);
}

void registers_look(void)
{
    check_general();
    registers_leak("fpcr", captured.fpcr, 0);
    registers_leak("fpsr", captured.fpsr, 0);
    for (unsigned i = 0; i < 32; i++)
        registers_leak(sconce_format("v%u", i).data,
                       registers_nonzero_bytes(captured.vectors[i], sizeof captured.vectors[i]), 0);
}

/* FPCR and FPSR; what a call leaves there, the next one may find. */
SCONCE_EXPORT(sconce_str, control_words, (void))
{
    uint64_t control, status;

    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(status));
    return sconce_format("fpcr %x fpsr %x", (unsigned)control, (unsigned)status);
}

SCONCE_EXPORT(void, set_control_words, (uint32_t fpcr, uint32_t fpsr))
{
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"((uint64_t)fpcr), "r"((uint64_t)fpsr));
}

/* The thread pointer, TPIDR_EL0. */
SCONCE_EXPORT(uint64_t, tls, (void))
{
    uint64_t base;

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(base));
    return base;
}

SCONCE_EXPORT(void, set_tls, (uint64_t base))
{
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(base));
}
