/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that RUN_VP gives, and the register page: layouts of what client and driver share. */
#ifndef MSHV_DOUBLE_PAGE_H
#define MSHV_DOUBLE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define HV_MSG_UNMAPPED_GPA 0x80000000u
#define HV_MSG_GPA_INTERCEPT 0x80000001u
#define HV_MSG_INVALID_VP_REGISTER 0x80000020u
#define HV_MSG_UNRECOVERABLE 0x80000021u
#define HV_MSG_UNSUPPORTED_FEATURE 0x80000022u
#define HV_MSG_OPAQUE 0x8000003fu
#define HV_MSG_HYPERCALL 0x80000050u
#define HV_MSG_IO_PORT 0x80010000u
#define HV_MSG_MSR 0x80010001u
#define HV_MSG_CPUID 0x80010002u
#define HV_MSG_EXCEPTION 0x80010003u
#define HV_MSG_APIC_EOI 0x80010004u
#define HV_MSG_HALT 0x80010007u
#define HV_MSG_DELIVERABLE 0x80010008u
#define HV_MSG_SIPI 0x80010009u

#define HV_ACCESS_READ 0u
#define HV_ACCESS_WRITE 1u
#define HV_ACCESS_EXECUTE 2u

struct hv_segment {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t attributes; /* type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15 */
};
_Static_assert(sizeof(struct hv_segment) == 16, "");

struct hv_message {
    uint32_t type;
    uint8_t payload_bytes;
    uint8_t flags;
    uint16_t reserved;
    uint64_t sender;
    uint8_t payload[240];
};
_Static_assert(sizeof(struct hv_message) == 256, "");
_Static_assert(offsetof(struct hv_message, payload) == 16, "");

/* What the payloads of a VP's own intercepts begin with. */
struct hv_header {
    uint32_t vp;
    uint8_t length_cr8; /* the instruction's length 3:0, CR8 7:4 */
    uint8_t access;     /* HV_ACCESS_* */
    uint16_t state;     /* HV_STATE_* */
    struct hv_segment cs;
    uint64_t rip;
    uint64_t rflags;
};
_Static_assert(sizeof(struct hv_header) == 40, "");

#define HV_STATE_CPL 3u
#define HV_STATE_PE (1u << 2)
#define HV_STATE_AM (1u << 3)
#define HV_STATE_LMA (1u << 4)
#define HV_STATE_DEBUG (1u << 5)
#define HV_STATE_PENDING (1u << 6)

struct hv_io_message {
    struct hv_header header;
    uint16_t port;
    uint8_t access; /* size 2:0, string 3, rep 4 */
    uint8_t insn_count;
    uint32_t reserved;
    uint64_t rax;
    uint8_t insn[16];
    struct hv_segment ds, es;
    uint64_t rcx, rsi, rdi;
};
_Static_assert(sizeof(struct hv_io_message) == 128, "");
_Static_assert(offsetof(struct hv_io_message, rax) == 48, "");
_Static_assert(offsetof(struct hv_io_message, ds) == 72, "");
_Static_assert(offsetof(struct hv_io_message, rcx) == 104, "");

#define HV_IO_STRING (1u << 3)
#define HV_IO_REP (1u << 4)

struct hv_gpa_message {
    struct hv_header header;
    uint32_t cache;
    uint8_t insn_count;
    uint8_t info; /* GVA valid 0, GVA leads to GPA 1 */
    uint8_t tpr;
    uint8_t reserved;
    uint64_t gva;
    uint64_t gpa;
    uint8_t insn[16];
};
_Static_assert(sizeof(struct hv_gpa_message) == 80, "");
_Static_assert(offsetof(struct hv_gpa_message, gva) == 48, "");
_Static_assert(offsetof(struct hv_gpa_message, insn) == 64, "");

#define HV_GVA_VALID (1u << 0)
#define HV_GVA_GPA_VALID (1u << 1)

struct hv_msr_message {
    struct hv_header header;
    uint32_t msr;
    uint32_t reserved;
    uint64_t rdx;
    uint64_t rax;
};
_Static_assert(sizeof(struct hv_msr_message) == 64, "");

struct hv_cpuid_message {
    struct hv_header header;
    uint64_t rax, rcx, rdx, rbx;
    uint64_t default_rax, default_rcx, default_rdx, default_rbx;
};
_Static_assert(offsetof(struct hv_cpuid_message, default_rax) == 72, "");

struct hv_exception_message {
    struct hv_header header;
    uint16_t vector;
    uint8_t info; /* error code valid 0, by software 1 */
    uint8_t insn_count;
    uint32_t error;
    uint64_t parameter; /* CR2 of #PF, DR6 of #DB */
    uint64_t reserved;
    uint8_t insn[16];
    struct hv_segment ds, ss;
    uint64_t gp[16];
};
_Static_assert(sizeof(struct hv_exception_message) == 240, "");
_Static_assert(offsetof(struct hv_exception_message, insn) == 64, "");
_Static_assert(offsetof(struct hv_exception_message, gp) == 112, "");

struct hv_unsupported_message {
    uint32_t vp;
    uint32_t code; /* 1 an intercept, 2 a task switch's TSS */
    uint64_t parameter;
};

struct hv_register_page {
    uint16_t version;
    uint8_t is_valid;
    uint8_t reserved0;
    uint32_t dirty;  /* HV_DIRTY_* */
    uint64_t gp[16]; /* RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15 */
    uint64_t rip;
    uint64_t rflags;
    uint64_t reserved1;
    uint8_t xmm[6][16];
    struct hv_segment segments[6];          /* ES CS SS DS FS GS */
    uint64_t cr0, cr3, cr4, cr8, efer, dr7; /* to read only */
    uint64_t pending_interruption;
    uint64_t interrupt_state;
    uint64_t hints;
    uint64_t xfem;
    uint8_t reserved2[256];
    uint64_t interrupt_vectors;
};
_Static_assert(offsetof(struct hv_register_page, dirty) == 4, "");
_Static_assert(offsetof(struct hv_register_page, gp) == 8, "");
_Static_assert(offsetof(struct hv_register_page, rip) == 136, "");
_Static_assert(offsetof(struct hv_register_page, rflags) == 144, "");
_Static_assert(offsetof(struct hv_register_page, xmm) == 160, "");
_Static_assert(offsetof(struct hv_register_page, segments) == 256, "");
_Static_assert(offsetof(struct hv_register_page, cr0) == 352, "");
_Static_assert(offsetof(struct hv_register_page, dr7) == 392, "");
_Static_assert(offsetof(struct hv_register_page, pending_interruption) == 400, "");
_Static_assert(offsetof(struct hv_register_page, xfem) == 424, "");
_Static_assert(offsetof(struct hv_register_page, interrupt_vectors) == 688, "");
_Static_assert(sizeof(struct hv_register_page) == 696, "");

#define HV_REGISTER_PAGE_VERSION 1u
#define HV_DIRTY_GENERAL (1u << 0)
#define HV_DIRTY_IP (1u << 1)
#define HV_DIRTY_XMM (1u << 2)
#define HV_DIRTY_SEGMENT (1u << 3)
#define HV_DIRTY_FLAGS (1u << 4)

#endif
