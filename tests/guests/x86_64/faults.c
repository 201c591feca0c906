/* SPDX-License-Identifier: Apache-2.0 */
/* What x86_64 refuses besides ../faults.c, in the same words. */
#include <sconce/guest.h>

/* MEMORY, execute, at @address, with @rcx in RCX: where SYSCALL would have left the address to
 * return to. */
SCONCE_EXPORT(void, jump_with_rcx, (uint64_t address, uint64_t rcx))
{
    __asm__ volatile("jmp *%0" : : "r"(address), "c"(rcx) : "memory");
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

/* ARITHMETIC. */
SCONCE_EXPORT(void, divide_by_zero, (void))
{
    __asm__ volatile("xorl %%edx, %%edx\n\tdivl %0" : : "r"(0) : "rax", "rdx");
}

/* ARITHMETIC: the quotient does not fit. */
SCONCE_EXPORT(void, divide_overflow, (void))
{
    __asm__ volatile("movl $0x80000000, %%eax\n\tcltd\n\tidivl %0" : : "r"(-1) : "rax", "rdx");
}

/* FLOAT: SSE division by zero, unmasked. */
SCONCE_EXPORT(void, float_divide_by_zero, (void))
{
    uint32_t mxcsr = 0x1f80 & ~(1u << 9); /* ZM, SDM vol 1 10.2.3 */
    float one = 1;

    __asm__ volatile("ldmxcsr %1\n\txorps %%xmm1, %%xmm1\n\tdivss %%xmm1, %0"
                     : "+x"(one)
                     : "m"(mxcsr)
                     : "xmm1");
}

/* FLOAT: x87 division by zero, unmasked. */
SCONCE_EXPORT(void, x87_divide_by_zero, (void))
{
    uint16_t control = 0x37f & ~(1u << 2); /* ZM, SDM vol 1 8.1.5 */

    __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control));
}

/* P: SSE memory operands are aligned to 16 bytes. */
SCONCE_EXPORT(void, misaligned_sse, (void))
{
    static const char bytes[32] __attribute__((aligned(16)));

    __asm__ volatile("movaps %0, %%xmm0" : : "m"(*(bytes + 1)) : "xmm0");
}

/* ---- Traps ----------------------------------------------------------------------------------- */

/* ILLEGAL: an opcode that 64-bit mode does not have (PUSH ES). */
SCONCE_EXPORT(void, undefined_opcode, (void))
{
    __asm__ volatile(".byte 0x06");
}

/* MEMORY, execute, or P: an instruction longer than 15 bytes. */
SCONCE_EXPORT(void, overlong_instruction, (void))
{
    __asm__ volatile(".fill 15, 1, 0x66\n\tnop");
}

/* STEP. */
SCONCE_EXPORT(void, icebp, (void))
{
    __asm__ volatile(".byte 0xf1");
}

#define INTERRUPT(number)                                                                          \
    SCONCE_EXPORT(void, int_##number, (void))                                                      \
    {                                                                                              \
        __asm__ volatile("int $" #number);                                                         \
    }                                                                                              \
    _Static_assert(1, "")

/* P or I. */
INTERRUPT(0x00);
INTERRUPT(0x01);
INTERRUPT(0x02);
INTERRUPT(0x06);
INTERRUPT(0x08);
INTERRUPT(0x0d);
INTERRUPT(0x0e);
INTERRUPT(0x20);
INTERRUPT(0x80);
INTERRUPT(0xff);

/* BREAKPOINT, P or I: INT 3 in its two-byte form. */
SCONCE_EXPORT(void, int_0x03, (void))
{
    __asm__ volatile(".byte 0xcd, 0x03");
}

/* P or I. */
SCONCE_EXPORT(void, sysenter, (void))
{
    __asm__ volatile("sysenter" : : : "rcx", "rdx", "memory");
}

/* ---- Traps that are answered ----------------------------------------------------------------- */

/* All that a system call keeps, by number: no register is free to point at it. */
static uint64_t kept_before[11]
    __attribute__((used)) = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb};
static uint64_t kept_after[11] __attribute__((used));

/* Registers but RAX, RCX and R11 survive a system call: the number of those that did not, 0. */
SCONCE_EXPORT(uint32_t, syscall_keeps_registers, (void))
{
    uint32_t lost = 0;

#define EACH(OP)                                                                                   \
    OP("rbx", "0")                                                                                 \
    OP("rdx", "8")                                                                                 \
    OP("rsi", "16")                                                                                \
    OP("rdi", "24")                                                                                \
    OP("r8", "32")                                                                                 \
    OP("r9", "40")                                                                                 \
    OP("r10", "48")                                                                                \
    OP("r12", "56")                                                                                \
    OP("r13", "64") OP("r14", "72") OP("r15", "80")
#define LOAD(register, offset) "movq kept_before+" offset "(%%rip), %%" register "\n\t"
#define STORE(register, offset) "movq %%" register ", kept_after+" offset "(%%rip)\n\t"
    __asm__ volatile(EACH(LOAD) "movl $39, %%eax\n\tsyscall\n\t" EACH(STORE)
                     :
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
                       "r13", "r14", "r15", "memory", "cc");
    for (unsigned i = 0; i < 11; i++)
        lost += kept_before[i] != kept_after[i];
    return lost;
}
