/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Radix page tables of 4 KiB with 512 entries, as x86_64 and aarch64 both have them: the walk and
 * the bookkeeping. What the bits of an entry are, an architecture's paging.c says. Maps addresses
 * to themselves, into memory that the caller gives; permissions are in the leaves alone.
 */
#ifndef SCONCE_ARCH_SHARED_PAGE_TABLES_H
#define SCONCE_ARCH_SHARED_PAGE_TABLES_H

#include <stdint.h>

#define SCONCE_PAGES_PAGE 4096u
#define SCONCE_PAGES_LARGE_PAGE 0x200000u

/* An architecture's entries. */
struct sconce_pages_format {
    unsigned levels;     /* how many tables lie on the way to a 4 KiB leaf */
    uint64_t end;        /* addresses that can be mapped end here */
    uint64_t present;    /* set in all that is not empty */
    uint64_t address;    /* where an entry has its address */
    uint64_t table_bits; /* of an entry that leads to a table */
    uint64_t type_mask;  /* tells a table from a large leaf, at the one level that has both */
    uint64_t large_type; /* what a large leaf has there */
    uint64_t page_type;  /* what a 4 KiB leaf has there */
};

#define SCONCE_PAGES_OK 0
#define SCONCE_PAGES_E_RANGE (-1)   /* empty, unaligned, or beyond what can be mapped */
#define SCONCE_PAGES_E_PROT (-2)    /* not readable, or writable and executable */
#define SCONCE_PAGES_E_OVERLAP (-3) /* a page is in two ranges */
#define SCONCE_PAGES_E_SPACE (-4)   /* the tables do not fit */

struct sconce_pages_builder {
    const struct sconce_pages_format *format;
    uint8_t *tables;
    uint64_t bytes;
    uint64_t used;
    uint64_t gpa;
};

/** sconce_pages_check - is this a range that can be mapped? @prot: SCONCE_PROT_*. */
int sconce_pages_check(const struct sconce_pages_format *format, uint64_t gpa, uint64_t bytes,
                       uint32_t prot);

/** sconce_pages_bytes_of - how many bytes of tables a range that can be mapped adds to the root's
 * page at most. */
uint64_t sconce_pages_bytes_of(const struct sconce_pages_format *format, uint64_t gpa,
                               uint64_t bytes);

/**
 * sconce_pages_start - begin with an empty root, at the start of @tables.
 * @tables, @bytes: page-aligned memory; what of it is used is zeroed first.
 * @gpa: the guest-physical address of @tables, page-aligned.
 */
int sconce_pages_start(struct sconce_pages_builder *builder,
                       const struct sconce_pages_format *format, void *tables, uint64_t bytes,
                       uint64_t gpa);

/** sconce_pages_add - map a range that was checked. @bits: of its leaves, but for address and type.
 */
int sconce_pages_add(struct sconce_pages_builder *builder, uint64_t gpa, uint64_t bytes,
                     uint64_t bits);

#endif
