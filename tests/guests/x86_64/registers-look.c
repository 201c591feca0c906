/* SPDX-License-Identifier: Apache-2.0 */
/* Which registers x86_64's guests can write, and what is in them when nothing is. */
#include <cpuid.h>
#include <string.h>

#include <sconce/guest.h>

#include "registers.h"

static bool xsave_fits(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) && b <= XSAVE_BYTES;
}

/* FS and GS bases count where CPUID has the instructions; that CR4 allows them is the policy's to
 * keep in step, in a machine of the guest's own. */
uint32_t registers_available(void)
{
    uint32_t classes = CLASS_X87 | CLASS_SSE | CLASS_SELECTORS, xcr0 = 0;
    unsigned a, b, c, d;

    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && xsave_fits())
        __asm__ volatile("xgetbv" : "=a"(xcr0) : "c"(0) : "rdx");
    if ((xcr0 & 0x6) == 0x6) /* SDM vol 1 13.3 */
        classes |= CLASS_AVX;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        if ((b & bit_AVX512F) && (xcr0 & 0xe6) == 0xe6)
            classes |= CLASS_AVX512;
        if (b & bit_FSGSBASE)
            classes |= CLASS_BASES;
        if ((c & bit_OSPKE) && (xcr0 & 0x200))
            classes |= CLASS_PKRU;
    }
    return classes;
}

uint32_t registers_withheld(void)
{
    return CLASS_BASES;
}

static void check_general(void)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

    for (unsigned i = 0; i < 16; i++) {
        uint64_t expected = 0;

        if (i == 4)
            expected =
                captured.how == CAPTURED_AT_RESUME ? sconce_boot()->stack_top : captured.general[i];
        if (i == 7)
            expected = (uintptr_t)sconce_boot();
        registers_leak(names[i], captured.general[i], expected);
    }
    registers_leak("rflags", captured.flags & ~0x200ull, 2); /* interrupts are the host's affair */
    registers_leak("ds", captured.selectors[0], 0);
    registers_leak("es", captured.selectors[1], 0);
    registers_leak("fs", captured.selectors[2], 0);
    registers_leak("gs", captured.selectors[3], 0);
    registers_leak("fs_base", captured.fs_base, 0);
    registers_leak("gs_base", captured.gs_base, 0);
}

/* FXSAVE area, SDM vol 1 10.5.1: values after FNINIT and at reset of the SSE state. */
static void check_fx(void)
{
    const unsigned char *fx = captured.fx;
    uint16_t control, status;
    uint32_t mxcsr;

    memcpy(&control, fx, sizeof control);
    memcpy(&status, fx + 2, sizeof status);
    memcpy(&mxcsr, fx + 24, sizeof mxcsr);
    registers_leak("fcw", control, 0x37f);
    registers_leak("fsw", status, 0);
    registers_leak("ftw", fx[4], 0);
    registers_leak("mxcsr", mxcsr, 0x1f80);
    registers_leak("x87_pointers", registers_nonzero_bytes(fx + 6, 18), 0);
    registers_leak("st", registers_nonzero_bytes(fx + 32, 128), 0);
    registers_leak("xmm", registers_nonzero_bytes(fx + 160, 256), 0);
}

/* XSAVE area, SDM vol 1 13.4: a component whose bit is clear is in its initial state. */
static void check_xsave(void)
{
    uint64_t in_use;

    memcpy(&in_use, captured.xsave + 512, sizeof in_use);
    for (unsigned i = 2; i < 63; i++) {
        unsigned bytes, offset, c, d;

        if (!(in_use >> i & 1))
            continue;
        __cpuid_count(0xd, i, bytes, offset, c, d);
        if (offset <= XSAVE_BYTES && bytes <= XSAVE_BYTES - offset)
            registers_leak(sconce_format("xstate%u", i).data,
                           registers_nonzero_bytes(captured.xsave + offset, bytes), 0);
    }
}

void registers_look(void)
{
    check_general();
    check_fx();
    check_xsave();
}

/* MXCSR and the x87 control word; what a call leaves there, the next one may find. */
SCONCE_EXPORT(sconce_str, control_words, (void))
{
    uint16_t control;
    uint32_t mxcsr;

    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(control), "=m"(mxcsr));
    return sconce_format("mxcsr %x fcw %x", mxcsr, control);
}

SCONCE_EXPORT(void, set_control_words, (uint32_t mxcsr, uint32_t fcw))
{
    uint16_t control = (uint16_t)fcw;

    __asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(control), "m"(mxcsr));
}

/* The thread pointer, FS base, by RDFSBASE: faults ILLEGAL where CR4 does not allow it. */
SCONCE_EXPORT(uint64_t, tls, (void))
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

SCONCE_EXPORT(void, set_tls, (uint64_t base))
{
    __asm__ volatile("wrfsbase %0" : : "r"(base));
}
