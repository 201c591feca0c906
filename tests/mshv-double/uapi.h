/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls of /dev/mshv (Linux 6.15 and later): numbers and structs, written down anew with their
 * sizes and offsets asserted. No header of the kernel's and none of a plugin's is used, so that an
 * error in one of them cannot hide here.
 */
#ifndef MSHV_DOUBLE_UAPI_H
#define MSHV_DOUBLE_UAPI_H

#include <stddef.h>
#include <stdint.h>

/* Numbers of one kind of descriptor mean something else on another. */
#define MSHV_CREATE_PARTITION 0x4010b800u
#define MSHV_INITIALIZE_PARTITION 0x0000b800u
#define MSHV_CREATE_VP 0x4004b801u
#define MSHV_SET_GUEST_MEMORY 0x4020b802u
#define MSHV_IRQFD 0x4010b803u
#define MSHV_IOEVENTFD 0x4020b804u
#define MSHV_SET_MSI_ROUTING 0x4008b805u
#define MSHV_GET_GPAP_ACCESS_BITMAP 0xc020b806u
#define MSHV_ROOT_HVCALL 0xc020b807u
#define MSHV_RUN_VP 0x8100b800u
#define MSHV_GET_VP_STATE 0xc010b801u
#define MSHV_SET_VP_STATE 0xc010b802u

/* The kernel's _IOC: direction (1 writes, 2 reads), size, magic, number. */
#define MSHV_IOC(direction, number, bytes)                                                         \
    ((uint32_t)(direction) << 30 | (uint32_t)(bytes) << 16 | 0xb8u << 8 | (number))

#define MSHV_MAX_VPS 256u
#define MSHV_PAGE 4096u

/* create_partition.flags */
#define MSHV_PT_LAPIC (1ull << 0)
#define MSHV_PT_X2APIC (1ull << 1)
#define MSHV_PT_GPA_SUPER_PAGES (1ull << 2)
#define MSHV_PT_CPU_AND_XSAVE_FEATURES (1ull << 3) /* the struct is v2; newer drivers alone */

#define MSHV_CPU_FEATURE_BANKS 2u

struct mshv_create_partition {
    uint64_t flags;
    uint64_t isolation; /* 0: none, all that there is */
};

struct mshv_create_partition_v2 {
    uint64_t flags;
    uint64_t isolation;
    uint16_t cpu_banks;
    uint8_t reserved0[6];
    uint64_t cpu_disabled[MSHV_CPU_FEATURE_BANKS]; /* a set bit takes the feature away */
    uint64_t reserved1[2];
    uint64_t xsave_disabled;
};

struct mshv_create_vp {
    uint32_t vp_index;
};

#define MSHV_MEM_WRITABLE (1u << 0)
#define MSHV_MEM_EXECUTABLE (1u << 1)
#define MSHV_MEM_UNMAP (1u << 2)
#define MSHV_MEM_FLAGS 7u

struct mshv_user_mem_region {
    uint64_t size;
    uint64_t guest_pfn; /* a page's number, no address */
    uint64_t userspace_addr;
    uint8_t flags;
    uint8_t reserved[7];
};

#define MSHV_ACCESS_TYPES 2u /* 0 accessed, 1 dirty */
#define MSHV_ACCESS_OPS 3u   /* 0 nothing, 1 clear, 2 set */

struct mshv_gpap_access_bitmap {
    uint8_t access_type;
    uint8_t access_op;
    uint8_t reserved[6];
    uint64_t page_count;
    uint64_t gpa_pfn;
    uint64_t bitmap_ptr;
};

struct mshv_root_hvcall {
    uint16_t code;
    uint16_t reps; /* in: how many; out: how many were done */
    uint16_t in_size;
    uint16_t out_size;
    uint16_t status; /* in: 0 */
    uint8_t reserved[6];
    uint64_t in_ptr;
    uint64_t out_ptr;
};

/* get_set_vp_state.type */
#define MSHV_STATE_LAPIC 0u
#define MSHV_STATE_XSAVE 1u
#define MSHV_STATE_SIMP 2u
#define MSHV_STATE_SIEFP 3u
#define MSHV_STATE_TIMERS 4u
#define MSHV_STATE_COUNT 5u

struct mshv_vp_state {
    uint8_t type;
    uint8_t reserved[3];
    uint32_t buf_size; /* out: the size of the state */
    uint64_t buf_ptr;
};

/* Offsets for mmap of a VP, in pages. */
#define MSHV_PAGE_REGISTERS 0
#define MSHV_PAGE_MESSAGE 1
#define MSHV_PAGE_GHCB 2

_Static_assert(MSHV_IOC(1, 0, sizeof(struct mshv_create_partition)) == MSHV_CREATE_PARTITION, "");
_Static_assert(MSHV_IOC(0, 0, 0) == MSHV_INITIALIZE_PARTITION, "");
_Static_assert(MSHV_IOC(1, 1, sizeof(struct mshv_create_vp)) == MSHV_CREATE_VP, "");
_Static_assert(MSHV_IOC(1, 2, sizeof(struct mshv_user_mem_region)) == MSHV_SET_GUEST_MEMORY, "");
_Static_assert(MSHV_IOC(1, 3, 16) == MSHV_IRQFD, "");
_Static_assert(MSHV_IOC(1, 4, 32) == MSHV_IOEVENTFD, "");
_Static_assert(MSHV_IOC(1, 5, 8) == MSHV_SET_MSI_ROUTING, "");
_Static_assert(MSHV_IOC(3, 6, sizeof(struct mshv_gpap_access_bitmap)) ==
                   MSHV_GET_GPAP_ACCESS_BITMAP,
               "");
_Static_assert(MSHV_IOC(3, 7, sizeof(struct mshv_root_hvcall)) == MSHV_ROOT_HVCALL, "");
_Static_assert(MSHV_IOC(2, 0, 256) == MSHV_RUN_VP, "");
_Static_assert(MSHV_IOC(3, 1, sizeof(struct mshv_vp_state)) == MSHV_GET_VP_STATE, "");
_Static_assert(MSHV_IOC(3, 2, sizeof(struct mshv_vp_state)) == MSHV_SET_VP_STATE, "");

_Static_assert(sizeof(struct mshv_create_partition_v2) == 64, "");
_Static_assert(offsetof(struct mshv_create_partition_v2, cpu_banks) == 16, "");
_Static_assert(offsetof(struct mshv_create_partition_v2, cpu_disabled) == 24, "");
_Static_assert(offsetof(struct mshv_create_partition_v2, xsave_disabled) == 56, "");
_Static_assert(offsetof(struct mshv_user_mem_region, guest_pfn) == 8, "");
_Static_assert(offsetof(struct mshv_user_mem_region, userspace_addr) == 16, "");
_Static_assert(offsetof(struct mshv_user_mem_region, flags) == 24, "");
_Static_assert(offsetof(struct mshv_gpap_access_bitmap, page_count) == 8, "");
_Static_assert(offsetof(struct mshv_gpap_access_bitmap, bitmap_ptr) == 24, "");
_Static_assert(offsetof(struct mshv_root_hvcall, in_size) == 4, "");
_Static_assert(offsetof(struct mshv_root_hvcall, status) == 8, "");
_Static_assert(offsetof(struct mshv_root_hvcall, in_ptr) == 16, "");
_Static_assert(offsetof(struct mshv_root_hvcall, out_ptr) == 24, "");
_Static_assert(offsetof(struct mshv_vp_state, buf_size) == 4, "");
_Static_assert(offsetof(struct mshv_vp_state, buf_ptr) == 8, "");

#endif
