/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions in the contract's words. */
#ifndef SCONCE_ARCH_AARCH64_FAULT_H
#define SCONCE_ARCH_AARCH64_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "sconce-plugin.h"

/* ESR_EL1: Arm ARM D17.2.37. The exception class, the instruction's length, the syndrome. */
#define SCONCE_A64_ESR_EC_SHIFT 26
#define SCONCE_A64_ESR_EC(esr) ((uint32_t)((esr) >> SCONCE_A64_ESR_EC_SHIFT & 0x3f))
#define SCONCE_A64_ESR_ISS(esr) ((uint32_t)((esr)&0x1ffffff))
#define SCONCE_A64_ESR_IL (1ull << 25)

#define SCONCE_A64_EC_UNKNOWN 0x00u
#define SCONCE_A64_EC_WFX 0x01u /* WFI, WFE */
#define SCONCE_A64_EC_FP 0x07u  /* FP, SIMD, SVE: CPACR_EL1 forbids it */
#define SCONCE_A64_EC_PAC 0x09u /* pointer authentication instruction trapped */
#define SCONCE_A64_EC_LS64 0x0au
#define SCONCE_A64_EC_BTI 0x0du
#define SCONCE_A64_EC_ILLEGAL_STATE 0x0eu
#define SCONCE_A64_EC_SVC32 0x11u
#define SCONCE_A64_EC_SVC 0x15u
#define SCONCE_A64_EC_HVC 0x16u
#define SCONCE_A64_EC_SMC 0x17u
#define SCONCE_A64_EC_SYSREG 0x18u /* MSR, MRS, SYS: a control register forbids it */
#define SCONCE_A64_EC_SVE 0x19u
#define SCONCE_A64_EC_FPAC 0x1cu /* pointer authentication failed */
#define SCONCE_A64_EC_SME 0x1du
#define SCONCE_A64_EC_INSN_ABORT 0x20u
#define SCONCE_A64_EC_INSN_ABORT_SAME 0x21u /* taken without a change of exception level */
#define SCONCE_A64_EC_PC_ALIGN 0x22u
#define SCONCE_A64_EC_DATA_ABORT 0x24u
#define SCONCE_A64_EC_DATA_ABORT_SAME 0x25u
#define SCONCE_A64_EC_SP_ALIGN 0x26u
#define SCONCE_A64_EC_MOPS 0x27u
#define SCONCE_A64_EC_FP_TRAP 0x2cu
#define SCONCE_A64_EC_SERROR 0x2fu
#define SCONCE_A64_EC_BREAKPOINT 0x30u
#define SCONCE_A64_EC_STEP 0x32u
#define SCONCE_A64_EC_WATCHPOINT 0x34u
#define SCONCE_A64_EC_BKPT32 0x38u
#define SCONCE_A64_EC_BRK 0x3cu

/* The syndrome of an abort: Arm ARM D17.2.37, "ISS encoding for an exception from a Data Abort". */
#define SCONCE_A64_ISS_FSC(iss) ((iss)&0x3fu)
#define SCONCE_A64_ISS_WNR (1u << 6)
#define SCONCE_A64_ISS_CM (1u << 8)      /* cache maintenance or address translation */
#define SCONCE_A64_ISS_FNV (1u << 10)    /* of FSC_EXTERNAL: FAR holds no address */
#define SCONCE_A64_FSC_TRANSLATION 0x04u /* and the level of the table */
#define SCONCE_A64_FSC_EXTERNAL 0x10u    /* not on a table walk */
#define SCONCE_A64_FSC_ALIGNMENT 0x21u

/* Of an SVC, HVC, SMC or BRK: the instruction's immediate. */
#define SCONCE_A64_ISS_IMM16(iss) ((iss)&0xffffu)

/**
 * struct sconce_a64_exception - an exception that EL0 took.
 * @insn: the instruction at @pc; 0 when it cannot be read. Tells a privileged instruction from one
 *        that does not exist.
 */
struct sconce_a64_exception {
    uint64_t esr;
    uint64_t far;
    uint64_t pc;
    uint64_t sp;
    uint32_t insn;
};

/**
 * sconce_a64_is_privileged - is this an instruction of EL1 or above: one that is undefined at EL0
 * and only there? MSR, MRS and SYS of such registers, HVC, SMC, ERET, HLT and their like.
 */
bool sconce_a64_is_privileged(uint32_t insn);

/**
 * sconce_a64_fault - the fault exit of an exception at EL0.
 * The PC is the machine's: of the instruction, BRK's too. The detail is ESR_EL1.
 */
void sconce_a64_fault(const struct sconce_a64_exception *exception,
                      struct sconce_exit_fault *ret_fault);

/** sconce_a64_describe_fault - "data abort, translation fault, level 3, ESR 0x92000007"; see
 * sconce.arch/1. */
void sconce_a64_describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes);

#endif
