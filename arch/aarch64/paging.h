/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables of the 4 KiB granule that map each address to itself (Arm ARM D8.3), built once into
 * memory that the caller gives. Addresses have 39 bits, so that the root is a level 1 table and
 * three levels suffice. Permissions are in the leaves alone; the access flag is set from the start,
 * and hardware management of it is off, so that neither processor nor hypervisor ever has to write
 * to a table.
 */
#ifndef SCONCE_ARCH_AARCH64_PAGING_H
#define SCONCE_ARCH_AARCH64_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"

#define SCONCE_A64_PAGE 4096u
#define SCONCE_A64_LARGE_PAGE 0x200000u

/* Descriptors: Arm ARM D8.3.1 (types), D8.3.2 (attributes of a page or block). */
#define SCONCE_A64_PTE_VALID (1ull << 0)
#define SCONCE_A64_PTE_TABLE (1ull << 1) /* or a page, at level 3; clear in a block */
#define SCONCE_A64_PTE_ATTR(index) ((uint64_t)(index) << 2)
#define SCONCE_A64_PTE_EL0 (1ull << 6)       /* AP[1]: EL0 may, too */
#define SCONCE_A64_PTE_READ_ONLY (1ull << 7) /* AP[2] */
#define SCONCE_A64_PTE_INNER_SHAREABLE (3ull << 8)
#define SCONCE_A64_PTE_ACCESSED (1ull << 10)
#define SCONCE_A64_PTE_PXN (1ull << 53) /* not to be executed at EL1 */
#define SCONCE_A64_PTE_UXN (1ull << 54) /* not to be executed at EL0 */
#define SCONCE_A64_PTE_ADDRESS 0x0000fffffffff000ull

/* The attributes that MAIR_EL1 holds (sysregs.h). */
#define SCONCE_A64_ATTR_NORMAL 0u /* write-back, read and write allocate */
#define SCONCE_A64_ATTR_DEVICE 1u /* nGnRE */

/* Addresses that can be mapped: TTBR0_EL1's, with TCR_EL1.T0SZ as sysregs.c sets it. */
#define SCONCE_A64_ADDRESS_BITS 39u
#define SCONCE_A64_PAGING_END (1ull << SCONCE_A64_ADDRESS_BITS)

/* Guest-physical addresses that guests and what lies above them may have. */
#define SCONCE_A64_PHYSICAL_BITS 36u

/* One range: page-aligned, not empty, no overlap with another. @prot is SCONCE_PROT_READ and at
 * most one of WRITE and EXEC. What EL0 may execute EL1 may not, and the other way round. */
struct sconce_a64_range {
    uint64_t gpa;
    uint64_t bytes;
    uint32_t prot;
    bool user;
    bool device; /* no memory is behind it: accesses are not merged, reordered or guessed */
};

#define SCONCE_A64_PAGING_OK 0
#define SCONCE_A64_PAGING_E_RANGE (-1)   /* empty, unaligned, or beyond what can be mapped */
#define SCONCE_A64_PAGING_E_PROT (-2)    /* not readable, or writable and executable */
#define SCONCE_A64_PAGING_E_OVERLAP (-3) /* a page is in two ranges */
#define SCONCE_A64_PAGING_E_SPACE (-4)   /* the tables do not fit */

/**
 * sconce_a64_paging_bytes - how many bytes the tables for these ranges take at most.
 * Returns 0 when a range is not valid by itself.
 */
uint64_t sconce_a64_paging_bytes(const struct sconce_a64_range *ranges, size_t count);

/**
 * sconce_a64_paging_build - write the tables.
 * @tables, @bytes: page-aligned memory; what of it is used is zeroed first.
 * @tables_gpa: the guest-physical address of @tables, page-aligned; also the value for TTBR0_EL1.
 * @ret_used: bytes used, written on success alone.
 * Returns SCONCE_A64_PAGING_*; after a failure the contents of @tables mean nothing.
 */
int sconce_a64_paging_build(const struct sconce_a64_range *ranges, size_t count, void *tables,
                            uint64_t bytes, uint64_t tables_gpa, uint64_t *ret_used);

#endif
