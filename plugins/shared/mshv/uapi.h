/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/mshv as Linux has it since 6.15 (include/uapi/linux/mshv.h), and what of the hypervisor's
 * own interface goes through it (include/hyperv/), written anew, since libc's headers have neither
 * yet. Only what upstream has: other trees have more ioctls, under numbers of their own.
 *
 * Three kinds of descriptor have ioctls, and their numbers overlap. No pointer is in these structs,
 * nothing is padded, and what is reserved must be zero.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_UAPI_H
#define SCONCE_PLUGINS_SHARED_MSHV_UAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* ---- Of the device -------------------------------------------------------------------------- */

/* The first form, and what the second one begins with. */
struct mshv_create_partition {
    uint64_t flags;     /* MSHV_PT_* */
    uint64_t isolation; /* 0: none */
};

/* Without these a partition has all that the host has. The flag says that they are there; a kernel
 * that does not know it answers EINVAL. */
#define MSHV_PT_CPU_AND_XSAVE_FEATURES (1ull << 3)
#define MSHV_CPU_FEATURE_BANKS 2u

struct mshv_create_partition_v2 {
    struct mshv_create_partition v1;
    uint16_t cpu_banks; /* MSHV_CPU_FEATURE_BANKS */
    uint8_t reserved0[6];
    uint64_t cpu_disabled[MSHV_CPU_FEATURE_BANKS]; /* a bit set: the partition has it not */
    uint64_t reserved1[2];
    uint64_t xsave_disabled;
};

/* ---- Of a partition ------------------------------------------------------------------------- */

struct mshv_create_vp {
    uint32_t vp_index;
};

#define MSHV_REGION_WRITABLE (1u << 0)
#define MSHV_REGION_EXECUTABLE (1u << 1)
#define MSHV_REGION_UNMAP (1u << 2)

struct mshv_user_mem_region {
    uint64_t size;           /* bytes */
    uint64_t guest_pfn;      /* a page's number, not its address */
    uint64_t userspace_addr; /* what is mapped there must be writable */
    uint8_t flags;           /* MSHV_REGION_*; readable always */
    uint8_t reserved0[7];
};

#define MSHV_PAGE_SHIFT 12
#define MSHV_PAGE 4096u

/* ---- Of a partition or a VP ----------------------------------------------------------------- */

struct mshv_root_hvcall {
    uint16_t code;
    uint16_t reps; /* in: how many; out: how many were done */
    uint16_t in_bytes;
    uint16_t out_bytes;
    uint16_t status; /* in: 0; out: MSHV_HV_* */
    uint8_t reserved0[6];
    uint64_t in; /* at least 8 bytes, which the kernel overwrites with the partition's id */
    uint64_t out;
};

#define MSHV_HVCALL_BYTES 4096u /* at most, of either */

/* ---- Of a VP -------------------------------------------------------------------------------- */

#define MSHV_MESSAGE_BYTES 256u
#define MSHV_PAYLOAD_BYTES 240u

/* hv_message: why RUN_VP came back. The payload is the architecture's. */
struct mshv_message {
    uint32_t type; /* MSHV_MESSAGE_* */
    uint8_t payload_bytes;
    uint8_t flags;
    uint8_t reserved0[2];
    uint64_t sender;
    uint8_t payload[MSHV_PAYLOAD_BYTES];
};

#define MSHV_STATE_XSAVE 1u

struct mshv_vp_state {
    uint8_t type; /* MSHV_STATE_* */
    uint8_t reserved0[3];
    uint32_t bytes;  /* whole pages; on EINVAL what it takes, when that is more */
    uint64_t buffer; /* at the start of a page */
};

/* mmap(2) of a VP: which page, times the page size. */
#define MSHV_PAGE_REGISTERS 0u /* ENODEV where the hypervisor gives none */

/* ---- Numbers -------------------------------------------------------------------------------- */

#define MSHV_CREATE_PARTITION _IOW(0xb8, 0x00, struct mshv_create_partition)
#define MSHV_INITIALIZE_PARTITION _IO(0xb8, 0x00)
#define MSHV_CREATE_VP _IOW(0xb8, 0x01, struct mshv_create_vp)
#define MSHV_SET_GUEST_MEMORY _IOW(0xb8, 0x02, struct mshv_user_mem_region)
#define MSHV_ROOT_HVCALL _IOWR(0xb8, 0x07, struct mshv_root_hvcall)
#define MSHV_RUN_VP _IOR(0xb8, 0x00, struct mshv_message)
#define MSHV_GET_VP_STATE _IOWR(0xb8, 0x01, struct mshv_vp_state)
#define MSHV_SET_VP_STATE _IOWR(0xb8, 0x02, struct mshv_vp_state)

/* ---- Hypercalls ----------------------------------------------------------------------------- */

#define MSHV_HVCALL_SET_PARTITION_PROPERTY 0x45u /* of a partition alone: a VP says EINVAL */
#define MSHV_HVCALL_GET_VP_REGISTERS 0x50u
#define MSHV_HVCALL_SET_VP_REGISTERS 0x51u
#define MSHV_HVCALL_REGISTER_INTERCEPT_RESULT 0x91u
#define MSHV_HVCALL_GET_VP_CPUID_VALUES 0xf4u

/* HV_STATUS. */
#define MSHV_HV_OK 0x0u
#define MSHV_HV_INVALID_CODE 0x2u
#define MSHV_HV_INVALID_PARAMETER 0x5u
#define MSHV_HV_ACCESS_DENIED 0x6u
#define MSHV_HV_OPERATION_DENIED 0x8u
#define MSHV_HV_UNKNOWN_PROPERTY 0x9u
#define MSHV_HV_INSUFFICIENT_MEMORY 0xbu
#define MSHV_HV_FEATURE_UNAVAILABLE 0x1eu
#define MSHV_HV_FEATURE_UNSUPPORTED 0x20u
#define MSHV_HV_INVALID_REGISTER_VALUE 0x50u

struct mshv_set_property {
    uint64_t partition_id;
    uint32_t code; /* MSHV_PROPERTY_* */
    uint32_t padding;
    uint64_t value;
};

/* Both are early: they can be set before INITIALIZE_PARTITION alone. */
#define MSHV_PROPERTY_SYNTHETIC_PROC_FEATURES 0x10001u /* 0: the guest sees no hypervisor */
#define MSHV_PROPERTY_UNIMPLEMENTED_MSR_ACTION 0x50017u
#define MSHV_UNIMPLEMENTED_MSR_FAULT 0u

struct mshv_register_head {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t vtl;
    uint8_t reserved0[3];
};

/* A register's value; which of it counts is the register's affair. */
struct mshv_value {
    uint64_t low;
    uint64_t high;
};

/* One repetition of SET_VP_REGISTERS. */
struct mshv_register {
    uint32_t name;
    uint32_t reserved0;
    uint64_t reserved1;
    struct mshv_value value;
};

/* ---- Messages ------------------------------------------------------------------------------- */

#define MSHV_MESSAGE_NONE 0x00000000u
#define MSHV_MESSAGE_UNMAPPED_GPA 0x80000000u
#define MSHV_MESSAGE_GPA_INTERCEPT 0x80000001u
#define MSHV_MESSAGE_INVALID_VP_REGISTER_VALUE 0x80000020u
#define MSHV_MESSAGE_UNRECOVERABLE_EXCEPTION 0x80000021u
#define MSHV_MESSAGE_UNSUPPORTED_FEATURE 0x80000022u

/* ---- What the kernel was compiled with ------------------------------------------------------ */

#define MSHV_AT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #member)
#define MSHV_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)

MSHV_SIZE(mshv_create_partition, 16);
MSHV_AT(mshv_create_partition, isolation, 8);
MSHV_SIZE(mshv_create_partition_v2, 64);
MSHV_AT(mshv_create_partition_v2, cpu_banks, 16);
MSHV_AT(mshv_create_partition_v2, reserved0, 18);
MSHV_AT(mshv_create_partition_v2, cpu_disabled, 24);
MSHV_AT(mshv_create_partition_v2, reserved1, 40);
MSHV_AT(mshv_create_partition_v2, xsave_disabled, 56);
MSHV_SIZE(mshv_create_vp, 4);
MSHV_SIZE(mshv_user_mem_region, 32);
MSHV_AT(mshv_user_mem_region, guest_pfn, 8);
MSHV_AT(mshv_user_mem_region, userspace_addr, 16);
MSHV_AT(mshv_user_mem_region, flags, 24);
MSHV_SIZE(mshv_root_hvcall, 32);
MSHV_AT(mshv_root_hvcall, reps, 2);
MSHV_AT(mshv_root_hvcall, in_bytes, 4);
MSHV_AT(mshv_root_hvcall, out_bytes, 6);
MSHV_AT(mshv_root_hvcall, status, 8);
MSHV_AT(mshv_root_hvcall, reserved0, 10);
MSHV_AT(mshv_root_hvcall, in, 16);
MSHV_AT(mshv_root_hvcall, out, 24);
MSHV_SIZE(mshv_message, MSHV_MESSAGE_BYTES);
MSHV_AT(mshv_message, payload_bytes, 4);
MSHV_AT(mshv_message, flags, 5);
MSHV_AT(mshv_message, sender, 8);
MSHV_AT(mshv_message, payload, 16);
MSHV_SIZE(mshv_vp_state, 16);
MSHV_AT(mshv_vp_state, bytes, 4);
MSHV_AT(mshv_vp_state, buffer, 8);
MSHV_SIZE(mshv_set_property, 24);
MSHV_AT(mshv_set_property, code, 8);
MSHV_AT(mshv_set_property, padding, 12);
MSHV_AT(mshv_set_property, value, 16);
MSHV_SIZE(mshv_register_head, 16);
MSHV_AT(mshv_register_head, vp_index, 8);
MSHV_AT(mshv_register_head, vtl, 12);
MSHV_SIZE(mshv_value, 16);
MSHV_SIZE(mshv_register, 32);
MSHV_AT(mshv_register, value, 16);

#define MSHV_NUMBER(name, number) _Static_assert((name) == (number), #name)

MSHV_NUMBER(MSHV_CREATE_PARTITION, 0x4010b800);
MSHV_NUMBER(MSHV_INITIALIZE_PARTITION, 0x0000b800);
MSHV_NUMBER(MSHV_CREATE_VP, 0x4004b801);
MSHV_NUMBER(MSHV_SET_GUEST_MEMORY, 0x4020b802);
MSHV_NUMBER(MSHV_ROOT_HVCALL, 0xc020b807);
MSHV_NUMBER(MSHV_RUN_VP, 0x8100b800);
MSHV_NUMBER(MSHV_GET_VP_STATE, 0xc010b801);
MSHV_NUMBER(MSHV_SET_VP_STATE, 0xc010b802);

#undef MSHV_AT
#undef MSHV_SIZE
#undef MSHV_NUMBER

#endif
