/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four-level page tables that map each address to itself (SDM vol 3A 4.5), built once into memory
 * that the caller gives. Permissions are in the leaves alone; accessed and dirty bits are set from
 * the start, so that neither processor nor hypervisor ever has to write to a table.
 */
#ifndef SCONCE_ARCH_X86_64_PAGING_H
#define SCONCE_ARCH_X86_64_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"

#define SCONCE_X86_PAGE 4096u
#define SCONCE_X86_LARGE_PAGE 0x200000u

/* Page-table entry bits: SDM vol 3A table 4-20 (4 KiB page), table 4-18 (2 MiB page). */
#define SCONCE_X86_PTE_PRESENT (1ull << 0)
#define SCONCE_X86_PTE_WRITE (1ull << 1)
#define SCONCE_X86_PTE_USER (1ull << 2)
#define SCONCE_X86_PTE_ACCESSED (1ull << 5)
#define SCONCE_X86_PTE_DIRTY (1ull << 6)
#define SCONCE_X86_PTE_LARGE (1ull << 7)
#define SCONCE_X86_PTE_NX (1ull << 63)
#define SCONCE_X86_PTE_ADDRESS 0x000ffffffffff000ull

/* Addresses that can be mapped: the lower half of four-level paging. */
#define SCONCE_X86_PAGING_END (1ull << 47)

/* One range: page-aligned, not empty, no overlap with another. @prot is SCONCE_PROT_READ and at
 * most one of WRITE and EXEC. */
struct sconce_x86_range {
    uint64_t gpa;
    uint64_t bytes;
    uint32_t prot;
    bool user;
};

#define SCONCE_X86_PAGING_OK 0
#define SCONCE_X86_PAGING_E_RANGE (-1)   /* empty, unaligned, or beyond what can be mapped */
#define SCONCE_X86_PAGING_E_PROT (-2)    /* not readable, or writable and executable */
#define SCONCE_X86_PAGING_E_OVERLAP (-3) /* a page is in two ranges */
#define SCONCE_X86_PAGING_E_SPACE (-4)   /* the tables do not fit */

/**
 * sconce_x86_paging_bytes - how many bytes the tables for these ranges take at most.
 * Returns 0 when a range is not valid by itself.
 */
uint64_t sconce_x86_paging_bytes(const struct sconce_x86_range *ranges, size_t count);

/**
 * sconce_x86_paging_build - write the tables.
 * @tables, @bytes: page-aligned memory; what of it is used is zeroed first.
 * @tables_gpa: the guest-physical address of @tables, page-aligned; also the value for CR3.
 * @ret_used: bytes used, written on success alone.
 * Returns SCONCE_X86_PAGING_*; after a failure the contents of @tables mean nothing.
 */
int sconce_x86_paging_build(const struct sconce_x86_range *ranges, size_t count, void *tables,
                            uint64_t bytes, uint64_t tables_gpa, uint64_t *ret_used);

#endif
