/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest "hostile" does in machine code, and what aarch64 alone has; the numbers are for
 * its host, too. */
#ifndef SCONCE_TESTS_HOSTILE_MACHINE_H
#define SCONCE_TESTS_HOSTILE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What else forged() changes in a frame that would be right. Those from FIELD_SIMD_MAGIC on are in
 * the records behind the general registers. */
#define FIELD_PC 2
#define FIELD_SP 3
#define FIELD_PSTATE 4
#define FIELD_UC_FLAGS 5
#define FIELD_LINK 6
#define FIELD_FAULT_ADDRESS 7
#define FIELD_FRAME_AT 8 /* the frame lies so many bytes further on */
#define FIELD_SIMD_MAGIC 9
#define FIELD_SIMD_BYTES 10
#define FIELD_FPSR 11
#define FIELD_FPCR 12
#define FIELD_VECTORS 13     /* every byte of them */
#define FIELD_NEXT_MAGIC 14  /* of the record behind the SIMD registers', of 16 bytes; */
#define FIELD_NEXT_BYTES 15  /* its size, as a record of SVE; */
#define FIELD_NEXT_VECTOR 16 /* as that, with this vector length; */
#define FIELD_NEXT_EXTRA 17  /* as one that says that there are more at this address */
#define FIELD_RECORDS 18     /* every byte of all records */
#define FIELDS 19

/* asm/sigcontext.h */
#define HOSTILE_SVE_MAGIC 0x53564501u
#define HOSTILE_EXTRA_MAGIC 0x45585401u
#define HOSTILE_ZA_MAGIC 0x54366345u
#define HOSTILE_TPIDR2_MAGIC 0x54504902u

/* What stop_by() does. */
#define STOP_SEMIHOSTING 0 /* hlt #0xf000: a debugger's or an emulator's system call */
#define STOP_HLT 1
#define STOP_HVC 2
#define STOP_SMC 3
#define STOP_DCPS 4
#define STOP_ERET 5
#define STOP_BRK 6 /* with the immediates that kernels keep to themselves: */
#define STOP_BRK_UPROBE 7
#define STOP_BRK_KPROBE 8
#define STOPS 9

/* A place to return to: 0, and not 0 when it is returned to. (clang has no __builtin_setjmp here.)
 */
#define MACHINE_MARK_WORDS 22
int machine_mark(void **words) __attribute__((returns_twice));
void machine_return(void **words) __attribute__((noreturn));

/* Is there a system call instruction? Arm ARM C6.2.365 (SVC). */
#define MACHINE_CALL_UNIT 4u
#define MACHINE_CALL_BYTES 4u
static inline bool machine_is_call(const unsigned char *at)
{
    uint32_t insn;

    memcpy(&insn, at, sizeof insn);
    return (insn & 0xffe0001fu) == 0xd4000001u;
}

/* Jumps to @site with the registers of the stub's report. */
static inline void machine_report(uint64_t site, uint64_t signal, uint64_t frame)
{
    register uint64_t x0 __asm__("x0") = signal;
    register uint64_t x1 __asm__("x1") = frame;
    register uint64_t x8 __asm__("x8") = 124; /* sched_yield */

    __asm__ volatile("br %[site]" : : [site] "r"(site), "r"(x0), "r"(x1), "r"(x8) : "memory");
}

#endif
