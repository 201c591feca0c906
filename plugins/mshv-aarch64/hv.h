/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hypervisor's interface has for aarch64: names of registers, messages. The rest is in
 * plugins/shared/mshv/uapi.h. Linux's include/hyperv/ has the messages and the names that Linux
 * itself uses; all the names are in the hypervisor's own headers, which rust-vmm/mshv publishes
 * (hv-headers/hvgdk_mini.h).
 */
#ifndef SCONCE_PLUGINS_MSHV_AARCH64_HV_H
#define SCONCE_PLUGINS_MSHV_AARCH64_HV_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"

/* ---- Names of registers --------------------------------------------------------------------- */

#define HV_X(n) (0x20000u + (n)) /* X0 to X30: FP and LR are the last two */
#define HV_SP_EL0 0x20020u
#define HV_SP_EL1 0x20021u
#define HV_PC 0x20022u
#define HV_PSTATE 0x20023u
#define HV_Q(n) (0x30000u + (n)) /* all 128 bits of V0 to V31 */

#define HV_SCTLR_EL1 0x40002u
#define HV_CPACR_EL1 0x40004u
#define HV_TTBR0_EL1 0x40005u
#define HV_TTBR1_EL1 0x40006u
#define HV_TCR_EL1 0x40007u
#define HV_ESR_EL1 0x40008u
#define HV_FAR_EL1 0x40009u
#define HV_MAIR_EL1 0x4000bu
#define HV_VBAR_EL1 0x4000cu
#define HV_CONTEXTIDR_EL1 0x4000du
#define HV_TPIDR_EL1 0x4000eu
#define HV_TPIDRRO_EL0 0x40010u
#define HV_TPIDR_EL0 0x40011u
#define HV_FPCR 0x40012u
#define HV_FPSR 0x40013u
#define HV_SPSR_EL1 0x40014u
#define HV_ELR_EL1 0x40015u
#define HV_AMAIR_EL1 0x40018u
#define HV_SCXTNUM_EL0 0x4005au
#define HV_TPIDR2_EL0 0x40066u

#define HV_DBGBCR_EL1(n) (0x50000u + (n))
#define HV_DBGWCR_EL1(n) (0x50010u + (n))
#define HV_DBGBVR_EL1(n) (0x50020u + (n))
#define HV_DBGWVR_EL1(n) (0x50030u + (n))
#define HV_MDCCINT_EL1 0x50049u
#define HV_MDSCR_EL1 0x5004du
#define HV_PMUSERENR_EL0 0x5204cu
#define HV_CNTKCTL_EL1 0x58008u

/* ID registers: op0 3, op1 0, CRn 0, and these two. */
#define HV_ID(crm, op2) (0x22000u + 8 * (crm) + (op2))
#define HV_ID_AA64DFR0_EL1 HV_ID(5u, 0u)
#define HV_ID_AA64MMFR0_EL1 HV_ID(7u, 0u)
#define HV_ID_AA64MMFR1_EL1 HV_ID(7u, 1u)

/* What an event leaves; the same names as on x86_64. */
#define HV_INTERNAL_ACTIVITY_STATE 0x4u
#define HV_PENDING_INTERRUPTION 0x10002u
#define HV_INTERRUPT_STATE 0x10003u
#define HV_PENDING_EVENT0 0x10004u
#define HV_PENDING_EVENT1 0x10005u

/* ---- Payloads of messages ---------------------------------------------------------------------
 */

/* The guest asked to be turned off or reset. */
#define HV_MESSAGE_RESET 0x8001000cu

#define HV_ACCESS_READ 0u
#define HV_ACCESS_WRITE 1u
#define HV_ACCESS_EXECUTE 2u

/* What every intercept's begins with. */
struct hv_intercept_head {
    uint32_t vp_index;
    uint8_t instruction_bytes;
    uint8_t access; /* HV_ACCESS_* */
    uint16_t state;
    uint64_t pc; /* of the instruction, which is not over */
    uint64_t cpsr;
};

#define HV_GPA_GVA_VALID (1u << 0)

/* UNMAPPED_GPA and GPA_INTERCEPT. */
struct hv_gpa_access {
    struct hv_intercept_head head;
    uint32_t cache_type;
    uint8_t instruction_count;
    uint8_t info; /* HV_GPA_* */
    uint16_t reserved0;
    uint8_t instruction[4];
    uint32_t reserved1;
    uint64_t gva;
    uint64_t gpa;      /* to the byte, or to the page */
    uint64_t syndrome; /* as in ESR_EL2 */
};

/* Of the syndrome of a data abort: Arm ARM D17.2.37. Whether the two fields behind it are valid;
 * the access's size, as a power of two. */
#define HV_ISS_ISV (1ull << 24)
#define HV_ISS_SAS(iss) ((unsigned)((iss) >> 22 & 3))

/* ---- Where all of it is ------------------------------------------------------------------------
 */

#define HV_AT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #member)
#define HV_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)

HV_SIZE(hv_intercept_head, 24);
HV_AT(hv_intercept_head, instruction_bytes, 4);
HV_AT(hv_intercept_head, access, 5);
HV_AT(hv_intercept_head, state, 6);
HV_AT(hv_intercept_head, pc, 8);
HV_AT(hv_intercept_head, cpsr, 16);
HV_SIZE(hv_gpa_access, 64);
HV_AT(hv_gpa_access, cache_type, 24);
HV_AT(hv_gpa_access, instruction_count, 28);
HV_AT(hv_gpa_access, info, 29);
HV_AT(hv_gpa_access, instruction, 32);
HV_AT(hv_gpa_access, gva, 40);
HV_AT(hv_gpa_access, gpa, 48);
HV_AT(hv_gpa_access, syndrome, 56);

#undef HV_AT
#undef HV_SIZE

#endif
