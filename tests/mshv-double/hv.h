/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor behind the driver, as far as a client meets it: hypercall codes and statuses,
 * names of registers, properties and intercepts (Microsoft's Top Level Functional Specification and
 * the headers under include/hyperv/ of Linux). Messages and the register page are in page.h.
 */
#ifndef MSHV_DOUBLE_HV_H
#define MSHV_DOUBLE_HV_H

#include <stddef.h>
#include <stdint.h>

/* Hypercalls that the driver lets through. */
#define HV_GET_PARTITION_PROPERTY 0x44u
#define HV_SET_PARTITION_PROPERTY 0x45u
#define HV_INSTALL_INTERCEPT 0x4du
#define HV_GET_VP_REGISTERS 0x50u
#define HV_SET_VP_REGISTERS 0x51u
#define HV_TRANSLATE_VIRTUAL_ADDRESS 0x52u
#define HV_CLEAR_VIRTUAL_INTERRUPT 0x56u
#define HV_REGISTER_INTERCEPT_RESULT 0x91u
#define HV_ASSERT_VIRTUAL_INTERRUPT 0x94u
#define HV_SIGNAL_EVENT_DIRECT 0xc0u
#define HV_POST_MESSAGE_DIRECT 0xc1u
#define HV_GET_GPA_PAGES_ACCESS_STATES 0xc9u
#define HV_GET_VP_CPUID_VALUES 0xf4u
#define HV_GET_PARTITION_PROPERTY_EX 0x101u /* newer drivers, on the device alone */

#define HV_OK 0x00u
#define HV_INVALID_HYPERCALL_CODE 0x02u
#define HV_INVALID_HYPERCALL_INPUT 0x03u
#define HV_INVALID_PARAMETER 0x05u
#define HV_ACCESS_DENIED 0x06u
#define HV_INVALID_PARTITION_STATE 0x07u
#define HV_OPERATION_DENIED 0x08u
#define HV_UNKNOWN_PROPERTY 0x09u
#define HV_INSUFFICIENT_MEMORY 0x0bu
#define HV_INVALID_PARTITION_ID 0x0du
#define HV_INVALID_VP_INDEX 0x0eu
#define HV_INVALID_PORT_ID 0x11u
#define HV_INVALID_CONNECTION_ID 0x12u
#define HV_INVALID_VP_STATE 0x15u
#define HV_INVALID_LP_INDEX 0x41u
#define HV_INVALID_REGISTER_VALUE 0x50u

/* Inputs. The driver overwrites the partition's id. */
struct hv_property_input {
    uint64_t partition;
    uint32_t code;
    uint32_t padding;
    uint64_t value; /* SET alone */
};
_Static_assert(sizeof(struct hv_property_input) == 24, "");

struct hv_intercept_input {
    uint64_t partition;
    uint32_t access; /* HV_ACCESS_BIT_*; 0 takes the intercept away */
    uint32_t type;
    uint64_t parameter;
};
_Static_assert(sizeof(struct hv_intercept_input) == 24, "");

struct hv_registers_input {
    uint64_t partition;
    uint32_t vp;
    uint8_t vtl;
    uint8_t padding[3];
};
_Static_assert(sizeof(struct hv_registers_input) == 16, "");

struct hv_value {
    uint64_t low;
    uint64_t high;
};

struct hv_assoc {
    uint32_t name;
    uint32_t reserved0;
    uint64_t reserved1;
    struct hv_value value;
};
_Static_assert(sizeof(struct hv_assoc) == 32, "");

struct hv_translate_input {
    uint64_t partition;
    uint32_t vp;
    uint32_t padding;
    uint64_t flags;
    uint64_t gva_page;
};
_Static_assert(sizeof(struct hv_translate_input) == 32, "");

struct hv_translate_output {
    uint32_t result;
    uint32_t bits;
    uint64_t gpa_page;
};
_Static_assert(sizeof(struct hv_translate_output) == 16, "");

struct hv_interrupt_input {
    uint64_t partition;
    uint64_t control; /* type, and flags from bit 32 */
    uint64_t destination;
    uint32_t vector;
    uint8_t vtl;
    uint8_t padding[3];
};
_Static_assert(sizeof(struct hv_interrupt_input) == 32, "");

/* HV_REGISTER_INTERCEPT_RESULT for CPUID: packed, 60 bytes; values and masks of EAX to EDX. */
struct hv_cpuid_result_input {
    uint64_t partition;
    uint32_t vp;
    uint32_t type;
    uint32_t eax, ecx;
    uint8_t subleaf_specific, always_override, padding[2];
    uint32_t result[8];
} __attribute__((packed));
_Static_assert(sizeof(struct hv_cpuid_result_input) == 60, "");

#define HV_CPUID_VP_XFEM (1u << 0)    /* the leaf's XFEM and XSS do not count */
#define HV_CPUID_REGISTERED (1u << 1) /* with what REGISTER_INTERCEPT_RESULT was told */

struct hv_cpuid_values_input {
    uint64_t partition;
    uint32_t vp;
    uint32_t flags;
    uint64_t reserved;
};
struct hv_cpuid_leaf {
    uint32_t eax, ecx;
    uint64_t xfem, xss;
};
_Static_assert(sizeof(struct hv_cpuid_values_input) == 24 && sizeof(struct hv_cpuid_leaf) == 24,
               "");

#define HV_TRANSLATE_WRITE (1u << 1)

#define HV_TRANSLATED 0u
#define HV_NOT_PRESENT 1u
#define HV_GPA_UNMAPPED 4u
#define HV_GPA_NO_WRITE 6u

#define HV_INTERCEPT_IO_PORT 0u
#define HV_INTERCEPT_MSR 1u
#define HV_INTERCEPT_CPUID 2u
#define HV_INTERCEPT_EXCEPTION 3u
#define HV_INTERCEPT_MMIO 5u
#define HV_INTERCEPT_HYPERCALL 8u
#define HV_INTERCEPT_MSR_INDEX 0xcu

#define HV_ACCESS_BIT_READ 1u
#define HV_ACCESS_BIT_WRITE 2u
#define HV_ACCESS_BIT_EXECUTE 4u

#define HV_PROPERTY_PRIVILEGE_FLAGS 0x10000u
#define HV_PROPERTY_SYNTHETIC_PROC_FEATURES 0x10001u /* early */
#define HV_PROPERTY_TIME_FREEZE 0x30003u
#define HV_PROPERTY_ACCESS_TRACKING 0x50005u
#define HV_PROPERTY_IMPLEMENTED_PA_BITS 0x50010u
#define HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION 0x50017u
#define HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH 0x60006u
#define HV_PROPERTY_XSAVE_STATES 0x60007u
#define HV_PROPERTY_MAX_XSAVE_DATA_SIZE 0x60008u
#define HV_PROPERTY_CLOCK_FREQUENCY 0x60009u
#define HV_PROPERTY_PROC_FEATURES0 0x6000au
#define HV_PROPERTY_PROC_FEATURES1 0x6000bu

/* SYNTHETIC_PROC_FEATURES: the hypervisor's presence, and its CPUID leaves. */
#define HV_SYNTHETIC_PRESENT (1ull << 0)
#define HV_SYNTHETIC_HV1 (1ull << 1)

/* Register names. */
#define HV_REG_EXPLICIT_SUSPEND 0x0u
#define HV_REG_INTERCEPT_SUSPEND 0x1u
#define HV_REG_DISPATCH_SUSPEND 0x3u
#define HV_REG_INTERNAL_ACTIVITY 0x4u
#define HV_REG_PENDING_INTERRUPTION 0x10002u
#define HV_REG_INTERRUPT_STATE 0x10003u
#define HV_REG_PENDING_EVENT0 0x10004u
#define HV_REG_PENDING_EVENT1 0x10005u
#define HV_REG_RAX 0x20000u /* RCX RDX RBX RSP RBP RSI RDI R8 to R15 follow */
#define HV_REG_RIP 0x20010u
#define HV_REG_RFLAGS 0x20011u
#define HV_REG_XMM0 0x30000u
#define HV_REG_FP_MMX0 0x30010u
#define HV_REG_FP_CONTROL 0x30018u
#define HV_REG_XMM_CONTROL 0x30019u
#define HV_REG_CR0 0x40000u
#define HV_REG_CR2 0x40001u
#define HV_REG_CR3 0x40002u
#define HV_REG_CR4 0x40003u
#define HV_REG_CR8 0x40004u
#define HV_REG_XFEM 0x40005u
#define HV_REG_INTERMEDIATE_CR0 0x41000u
#define HV_REG_DR0 0x50000u
#define HV_REG_DR6 0x50004u
#define HV_REG_DR7 0x50005u
#define HV_REG_ES 0x60000u /* CS SS DS FS GS LDTR TR follow */
#define HV_REG_TR 0x60007u
#define HV_REG_IDTR 0x70000u
#define HV_REG_GDTR 0x70001u
#define HV_REG_EFER 0x80001u
#define HV_REG_APIC_BASE 0x80003u
#define HV_REG_VP_INDEX 0x90003u

#endif
