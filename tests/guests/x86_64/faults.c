/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine refuses. Every export that runs to its last instruction is GUEST_FAULT; the
 * comment gives kind and access. "P or I": PRIVILEGE or ILLEGAL, as the mechanism has it.
 */
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

/* MEMORY, read, at @address; succeeds with the word where memory is readable. An address of more
 * than 47 bits is no memory access at all: P. */
SCONCE_EXPORT(uint64_t, read_at, (uint64_t address))
{
    uint64_t word;

    __asm__ volatile("movq (%1), %0" : "=r"(word) : "r"(address) : "memory");
    return word;
}

/* MEMORY, write, at @address; succeeds where memory is writable. */
SCONCE_EXPORT(void, write_at, (uint64_t address))
{
    __asm__ volatile("movq $1, (%0)" : : "r"(address) : "memory");
}

/* MEMORY, execute, at @address; P for an address of more than 47 bits. */
SCONCE_EXPORT(void, jump_to, (uint64_t address))
{
    __asm__ volatile("jmp *%0" : : "r"(address) : "memory");
}

/* The same with @rcx in RCX: where SYSCALL would have left the address to return to. */
SCONCE_EXPORT(void, jump_with_rcx, (uint64_t address, uint64_t rcx))
{
    __asm__ volatile("jmp *%0" : : "r"(address), "c"(rcx) : "memory");
}

/* MEMORY, read, at 0. */
SCONCE_EXPORT(void, null_read, (void))
{
    __asm__ volatile("movb 0, %%al" : : : "rax");
}

/* MEMORY, write, at 0. */
SCONCE_EXPORT(void, null_write, (void))
{
    __asm__ volatile("movb $1, 0");
}

/* MEMORY, execute, at 0. */
SCONCE_EXPORT(void, null_call, (void))
{
    __asm__ volatile("call *%0" : : "r"(0l));
}

/* MEMORY, write, at an address in the image. */
SCONCE_EXPORT(void, write_code, (void))
{
    write_at((uintptr_t)null_read & ~7ul);
}

static const uint64_t constant[] = {1, 2, 3};

/* MEMORY, write, at an address in the image. */
SCONCE_EXPORT(void, write_constant, (void))
{
    write_at((uintptr_t)constant);
}

/* MEMORY, write, at the boot page. */
SCONCE_EXPORT(void, write_boot, (void))
{
    write_at((uintptr_t)sconce_boot());
}

/* MEMORY, write, at the start of IN. */
SCONCE_EXPORT(void, write_in, (void))
{
    write_at(sconce_boot()->in_addr);
}

/* MEMORY, write, just below the stack. */
SCONCE_EXPORT(void, write_below_stack, (void))
{
    write_at(sconce_boot()->stack_top - sconce_boot()->stack_bytes - 8);
}

#define RET 0xc3

static unsigned char code_in_data[16] = {RET};

/* MEMORY, execute, in the image's data. */
SCONCE_EXPORT(void, execute_data, (void))
{
    __asm__ volatile("call *%0" : : "r"(code_in_data) : "memory");
}

/* MEMORY, execute, in the image's constants. */
SCONCE_EXPORT(void, execute_constant, (void))
{
    static const unsigned char code_in_constants[16] = {RET};

    __asm__ volatile("call *%0" : : "r"(code_in_constants) : "memory");
}

/* MEMORY, execute, on the stack. */
SCONCE_EXPORT(void, execute_stack, (void))
{
    volatile unsigned char code[16] = {RET};

    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

/* MEMORY, execute, on the heap. */
SCONCE_EXPORT(void, execute_heap, (void))
{
    unsigned char *code = malloc(16);

    code[0] = RET;
    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

/* MEMORY, execute, in OUT. */
SCONCE_EXPORT(void, execute_out, (void))
{
    unsigned char *code = (unsigned char *)sconce_boot()->out_addr;

    code[0] = RET;
    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

/* MEMORY, execute, in IN: @code comes from the host. */
SCONCE_EXPORT(void, execute_in, (sconce_bytes code))
{
    __asm__ volatile("call *%0" : : "r"(code.data) : "memory");
}

/* MEMORY, execute: 1 MiB above the image, where nothing is mapped or nothing is executable. */
SCONCE_EXPORT(void, jump_unmapped, (void))
{
    jump_to(sconce_boot()->image_end + (1 << 19));
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

/* ILLEGAL. */
SCONCE_EXPORT(void, ud2, (void))
{
    __asm__ volatile("ud2");
}

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

/* BREAKPOINT. */
SCONCE_EXPORT(void, int3, (void))
{
    __asm__ volatile("int3");
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

/* Succeeds: what a system call gives, -38 (ENOSYS) for those that nobody serves. On a backend
 * without SYSCALL exits: ILLEGAL. */
SCONCE_EXPORT(int64_t, syscall_result, (uint64_t number))
{
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(1), "S"(2), "d"(3)
                     : "rcx", "r11", "memory");
    return result;
}

/* LIMIT: traps, or the deadline. */
SCONCE_EXPORT(void, syscall_forever, (void))
{
    for (;;)
        syscall_result(39);
}

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

/* LIMIT (deadline): exits that the host's kernel may serve by itself. */
SCONCE_EXPORT(void, cpuid_forever, (void))
{
    for (;;)
        __asm__ volatile("cpuid" : : "a"(0) : "rbx", "rcx", "rdx");
}

/* LIMIT (deadline): one instruction that jumps to itself. */
SCONCE_EXPORT(void, jump_to_self, (void))
{
    __asm__ volatile("1: jmp 1b");
}

/* LIMIT (deadline). */
SCONCE_EXPORT(void, pause_forever, (void))
{
    for (;;)
        __asm__ volatile("pause");
}
