/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a register survive a reset? fill_and_ready() fills every class that ring 3 can write and
 * asks to be resumed at code that looks at them before it touches any; leaks() tells what that code
 * saw. All calls succeed.
 *
 *     fill_and_ready(available()); snapshot, restore; leaks() -> "at resume:"
 *     fill_and_ready(available());                    leaks() -> "after ready: rcx rdx ..."
 *
 * The second line proves that the first one could fail.
 */
#include <cpuid.h>
#include <string.h>

#include <sconce/guest.h>

#include "registers.h"

struct captured captured;
uint64_t capture_classes;

static bool xsave_fits(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) && b <= XSAVE_BYTES;
}

/* The classes that this machine lets ring 3 write: CLASS_* of registers.h. FS and GS bases count
 * where CPUID has the instructions; that CR4 allows them is the policy's to keep in step. */
SCONCE_EXPORT(uint32_t, available, (void))
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

/* Returns by hand, with every register of @classes full of a pattern. */
SCONCE_EXPORT(void, fill_and_ready, (uint32_t classes))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    memset(&captured, 0, sizeof captured);
    capture_classes = classes;
    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_RETURN,
        .slot_count = 1,
        .used_bytes = sizeof *frame + sizeof *slot,
        .resume_pc = (uintptr_t)registers_capture,
        .resume_sp = sconce_boot()->stack_top,
    };
    *slot = (struct sconce_slot){.type = SCONCE_TYPE_NONE};
    registers_fill_and_ready(classes);
}

static char report[1024];

static void leak(const char *name, uint64_t value, uint64_t expected)
{
    size_t used = strlen(report);
    sconce_str one;

    if (value == expected)
        return;
    one = sconce_format(" %s=%llx", name, (unsigned long long)value);
    if (used + one.length < sizeof report)
        memcpy(report + used, one.data, one.length + 1);
}

static uint64_t nonzero_bytes(const unsigned char *bytes, size_t count)
{
    uint64_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += bytes[i] != 0;
    return n;
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
        leak(names[i], captured.general[i], expected);
    }
    leak("rflags", captured.flags & ~0x200ull, 2); /* interrupts are the host's affair */
    leak("ds", captured.selectors[0], 0);
    leak("es", captured.selectors[1], 0);
    leak("fs", captured.selectors[2], 0);
    leak("gs", captured.selectors[3], 0);
    leak("fs_base", captured.fs_base, 0);
    leak("gs_base", captured.gs_base, 0);
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
    leak("fcw", control, 0x37f);
    leak("fsw", status, 0);
    leak("ftw", fx[4], 0);
    leak("mxcsr", mxcsr, 0x1f80);
    leak("x87_pointers", nonzero_bytes(fx + 6, 18), 0);
    leak("st", nonzero_bytes(fx + 32, 128), 0);
    leak("xmm", nonzero_bytes(fx + 160, 256), 0);
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
            leak(sconce_format("xstate%u", i).data, nonzero_bytes(captured.xsave + offset, bytes),
                 0);
    }
}

/* "at resume:" or "after ready:", and behind that each register that is not in its initial state;
 * for vectors the number of bytes. Fails with code 1 when there was no fill_and_ready(). */
SCONCE_EXPORT(sconce_str, leaks, (void))
{
    if (!captured.how) {
        sconce_fail(1, "nothing was captured");
        return SCONCE_STR("");
    }
    report[0] = '\0';
    check_general();
    check_fx();
    check_xsave();
    return sconce_format("%s:%s", captured.how == CAPTURED_AT_RESUME ? "at resume" : "after ready",
                         report);
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

/* FS base by RDFSBASE: faults ILLEGAL where CR4 does not allow it. */
SCONCE_EXPORT(uint64_t, fs_base, (void))
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

SCONCE_EXPORT(void, set_fs_base, (uint64_t base))
{
    __asm__ volatile("wrfsbase %0" : : "r"(base));
}
