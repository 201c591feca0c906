/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hypervisor's interface has for x86_64 (include/hyperv/ of Linux): names of registers,
 * the register page, messages, CPUID overrides. The rest is in plugins/shared/mshv/uapi.h.
 */
#ifndef SCONCE_PLUGINS_MSHV_X86_64_HV_H
#define SCONCE_PLUGINS_MSHV_X86_64_HV_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"

/* ---- Names of registers --------------------------------------------------------------------- */

/* General ones in the order of the register page: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15. */
#define HV_RAX 0x20000u
#define HV_FS 0x60004u
#define HV_GS 0x60005u
#define HV_RIP 0x20010u
#define HV_RFLAGS 0x20011u
#define HV_CR0 0x40000u
#define HV_CR2 0x40001u
#define HV_CR3 0x40002u
#define HV_CR4 0x40003u
#define HV_CR8 0x40004u
#define HV_XFEM 0x40005u /* XCR0 */
#define HV_DR0 0x50000u  /* DR0-DR3, DR6, DR7 */
#define HV_DR6 0x50004u
#define HV_DR7 0x50005u
#define HV_ES 0x60000u
#define HV_CS 0x60001u
#define HV_SS 0x60002u
#define HV_DS 0x60003u
#define HV_LDTR 0x60006u
#define HV_TR 0x60007u
#define HV_IDTR 0x70000u
#define HV_GDTR 0x70001u

/* MSRs have names; there is no access by number. */
#define HV_EFER 0x80001u
#define HV_KERNEL_GS_BASE 0x80002u
#define HV_PAT 0x80004u
#define HV_SYSENTER_CS 0x80005u
#define HV_SYSENTER_EIP 0x80006u
#define HV_SYSENTER_ESP 0x80007u
#define HV_STAR 0x80008u
#define HV_LSTAR 0x80009u
#define HV_CSTAR 0x8000au
#define HV_SFMASK 0x8000bu
#define HV_MTRR_DEF_TYPE 0x8000eu
#define HV_MTRR_PHYS_BASE0 0x80010u
#define HV_MTRR_PHYS_MASK0 0x80040u
#define HV_MTRR_FIX64K 0x80070u /* then two of 16 KiB, eight of 4 KiB */
#define HV_TSC_AUX 0x8007bu
#define HV_SPEC_CTRL 0x80084u

/* What an event leaves. */
#define HV_INTERNAL_ACTIVITY_STATE 0x4u
#define HV_PENDING_INTERRUPTION 0x10002u
#define HV_INTERRUPT_STATE 0x10003u
#define HV_PENDING_EVENT0 0x10004u
#define HV_PENDING_EVENT1 0x10005u

/* ---- Values of registers, 16 bytes each ------------------------------------------------------ */

struct hv_segment {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t rights; /* SCONCE_X86_AR_* */
};

struct hv_table {
    uint8_t padding[6];
    uint16_t limit;
    uint64_t base;
};

/* ---- The register page ------------------------------------------------------------------------
 */

#define HV_DIRTY_GENERAL (1u << 0)
#define HV_DIRTY_IP (1u << 1)
#define HV_DIRTY_FLAGS (1u << 4)

/* As far as it is used; the page has more. */
struct hv_register_page {
    uint16_t version; /* 1 */
    uint8_t is_valid;
    uint8_t reserved0;
    uint32_t dirty;  /* HV_DIRTY_*: what the next run is to take */
    uint64_t gp[16]; /* by HV_RAX's order */
    uint64_t rip;
    uint64_t rflags;
};

/* ---- Payloads of messages ---------------------------------------------------------------------
 */

#define HV_MESSAGE_IO_PORT 0x80010000u

#define HV_ACCESS_READ 0u
#define HV_ACCESS_WRITE 1u
#define HV_ACCESS_EXECUTE 2u

/* What every intercept's begins with. */
struct hv_intercept_head {
    uint32_t vp_index;
    uint8_t length_cr8; /* 3:0 length of the instruction, 7:4 CR8 */
    uint8_t access;     /* HV_ACCESS_* */
    uint16_t state;     /* 1:0 CPL */
    struct hv_segment cs;
    uint64_t rip; /* of the instruction, which is not over */
    uint64_t rflags;
};

struct hv_io_port {
    struct hv_intercept_head head;
    uint16_t port;
    uint8_t access; /* 2:0 bytes, 3 string, 4 REP */
    uint8_t instruction_bytes;
    uint32_t reserved0;
    uint64_t rax;
    uint8_t instruction[16];
    struct hv_segment ds;
    struct hv_segment es;
    uint64_t rcx;
    uint64_t rsi;
    uint64_t rdi;
};

#define HV_GPA_GVA_VALID (1u << 0)

/* UNMAPPED_GPA and GPA_INTERCEPT. */
struct hv_gpa_access {
    struct hv_intercept_head head;
    uint32_t cache_type;
    uint8_t instruction_bytes;
    uint8_t info; /* HV_GPA_* */
    uint8_t tpr;
    uint8_t reserved0;
    uint64_t gva;
    uint64_t gpa;
    uint8_t instruction[16];
};

/* ---- CPUID -------------------------------------------------------------------------------------
 */

#define HV_CPUID_VP_XFEM (1u << 0)    /* by the VP's own XFEM and XSS, not by the leaf's */
#define HV_CPUID_OVERRIDDEN (1u << 1) /* with the overrides that were registered */

struct hv_cpuid_head {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t flags; /* HV_CPUID_* */
    uint32_t reserved0;
    uint32_t padding;
};

struct hv_cpuid_leaf {
    uint32_t eax;
    uint32_t ecx;
    uint64_t xfem;
    uint64_t xss;
};

struct hv_cpuid_values {
    uint32_t eax, ebx, ecx, edx;
};

#define HV_INTERCEPT_CPUID 2u

/* REGISTER_INTERCEPT_RESULT, for CPUID: what a leaf is to say; the masks tell which bits of it. */
struct hv_cpuid_override {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t intercept; /* HV_INTERCEPT_CPUID */
    uint32_t leaf;
    uint32_t subleaf;
    uint8_t subleaf_specific;
    uint8_t always_override;
    uint16_t padding;
    uint32_t eax, eax_mask;
    uint32_t ebx, ebx_mask;
    uint32_t ecx, ecx_mask;
    uint32_t edx, edx_mask;
};

/* ---- Where all of it is ------------------------------------------------------------------------
 */

#define HV_AT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #member)
#define HV_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)

HV_SIZE(hv_segment, sizeof(struct mshv_value));
HV_AT(hv_segment, limit, 8);
HV_AT(hv_segment, selector, 12);
HV_AT(hv_segment, rights, 14);
HV_SIZE(hv_table, sizeof(struct mshv_value));
HV_AT(hv_table, limit, 6);
HV_AT(hv_table, base, 8);
HV_AT(hv_register_page, is_valid, 2);
HV_AT(hv_register_page, dirty, 4);
HV_AT(hv_register_page, gp, 8);
HV_AT(hv_register_page, rip, 136);
HV_AT(hv_register_page, rflags, 144);
HV_SIZE(hv_intercept_head, 40);
HV_AT(hv_intercept_head, length_cr8, 4);
HV_AT(hv_intercept_head, access, 5);
HV_AT(hv_intercept_head, state, 6);
HV_AT(hv_intercept_head, cs, 8);
HV_AT(hv_intercept_head, rip, 24);
HV_AT(hv_intercept_head, rflags, 32);
HV_SIZE(hv_io_port, 128);
HV_AT(hv_io_port, port, 40);
HV_AT(hv_io_port, access, 42);
HV_AT(hv_io_port, instruction_bytes, 43);
HV_AT(hv_io_port, rax, 48);
HV_AT(hv_io_port, instruction, 56);
HV_AT(hv_io_port, ds, 72);
HV_AT(hv_io_port, es, 88);
HV_AT(hv_io_port, rcx, 104);
HV_AT(hv_io_port, rsi, 112);
HV_AT(hv_io_port, rdi, 120);
HV_SIZE(hv_gpa_access, 80);
HV_AT(hv_gpa_access, cache_type, 40);
HV_AT(hv_gpa_access, instruction_bytes, 44);
HV_AT(hv_gpa_access, info, 45);
HV_AT(hv_gpa_access, tpr, 46);
HV_AT(hv_gpa_access, gva, 48);
HV_AT(hv_gpa_access, gpa, 56);
HV_AT(hv_gpa_access, instruction, 64);
HV_SIZE(hv_cpuid_head, 24);
HV_AT(hv_cpuid_head, vp_index, 8);
HV_AT(hv_cpuid_head, flags, 12);
HV_AT(hv_cpuid_head, reserved0, 16);
HV_SIZE(hv_cpuid_leaf, 24);
HV_AT(hv_cpuid_leaf, ecx, 4);
HV_AT(hv_cpuid_leaf, xfem, 8);
HV_AT(hv_cpuid_leaf, xss, 16);
HV_SIZE(hv_cpuid_values, 16);
HV_AT(hv_cpuid_values, ebx, 4);
HV_AT(hv_cpuid_values, ecx, 8);
HV_AT(hv_cpuid_values, edx, 12);
HV_SIZE(hv_cpuid_override, 60 + 4); /* the last 4 are the compiler's: HV_CPUID_OVERRIDE_BYTES */
HV_AT(hv_cpuid_override, intercept, 12);
HV_AT(hv_cpuid_override, leaf, 16);
HV_AT(hv_cpuid_override, subleaf, 20);
HV_AT(hv_cpuid_override, subleaf_specific, 24);
HV_AT(hv_cpuid_override, always_override, 25);
HV_AT(hv_cpuid_override, eax, 28);
HV_AT(hv_cpuid_override, eax_mask, 32);
HV_AT(hv_cpuid_override, ebx, 36);
HV_AT(hv_cpuid_override, ebx_mask, 40);
HV_AT(hv_cpuid_override, ecx, 44);
HV_AT(hv_cpuid_override, ecx_mask, 48);
HV_AT(hv_cpuid_override, edx, 52);
HV_AT(hv_cpuid_override, edx_mask, 56);
#define HV_CPUID_OVERRIDE_BYTES 60u

#undef HV_AT
#undef HV_SIZE

#endif
