/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that runs or lies above the guest, in the backend's reserved range and mapped for EL1 alone:
 *
 *   0x00000  no memory: 64 KiB, so that it is none on hosts with large pages either. The last page
 *            is the report page; a store to it is what the host sees.
 *   0x10000  the save area: writable; shared with the host, which reads and answers exceptions here
 *   0x11000  the vectors: executable
 *   0x12000  the page tables, which are mapped for nobody
 *
 * SP_EL1 points at the save area for good. An exception from EL0 runs 15 instructions in its own
 * vector: the argument registers and the syndrome go to the save area, one store reports, X0 and X1
 * come back from the save area, ERET. Nothing else of the guest's is touched, no memory of the
 * guest's, and no other page. The address of the store tells the vector; the host reads the rest in
 * the save area. An exception from EL1 can only be the shim's own end: it reports at once, again
 * and again if it is run.
 */
#ifndef SCONCE_ARCH_AARCH64_SUPERVISOR_H
#define SCONCE_ARCH_AARCH64_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/paging.h"

#define SCONCE_A64_REPORT_OFFSET 0xf000u
#define SCONCE_A64_SAVE_OFFSET 0x10000u
#define SCONCE_A64_VECTORS_OFFSET 0x11000u
#define SCONCE_A64_TABLES_OFFSET 0x12000u

/* Memory is wanted from here on; the two pages before the tables are the supervisor's. */
#define SCONCE_A64_OWN_OFFSET SCONCE_A64_SAVE_OFFSET
#define SCONCE_A64_SUPERVISOR_BYTES (2u * SCONCE_A64_PAGE)
#define SCONCE_A64_SUPERVISOR_RANGES 3u

/* Vectors: Arm ARM D1.3.1.5 (table of vector offsets). Four of each: synchronous, IRQ, FIQ, SError.
 */
#define SCONCE_A64_VECTORS 16u
#define SCONCE_A64_VECTOR_BYTES 0x80u
#define SCONCE_A64_VECTOR_EL0_SYNC 8u
#define SCONCE_A64_VECTOR_EL0_SERROR 11u

/* What the shim saves of an exception from EL0. */
struct sconce_a64_save {
    uint64_t x[6];
    uint64_t x8;
    uint64_t taken; /* the shim writes 0; the host SCONCE_A64_SAVE_TAKEN when it has read it all */
    uint64_t esr;
    uint64_t elr; /* the guest's PC */
    uint64_t far;
    uint64_t spsr; /* its PSTATE */
    uint64_t sp;   /* SP_EL0 */
};

#define SCONCE_A64_SAVE_TAKEN UINT64_MAX

/** sconce_a64_supervisor_build - write the two pages at SCONCE_A64_OWN_OFFSET. */
void sconce_a64_supervisor_build(void *pages);

/** sconce_a64_save_clear - forget what the shim saved; @pages as above. */
void sconce_a64_save_clear(void *pages);

/** sconce_a64_supervisor_ranges - how the pages are to be mapped; @gpa as above, offset 0. */
void sconce_a64_supervisor_ranges(uint64_t gpa,
                                  struct sconce_a64_range ranges[SCONCE_A64_SUPERVISOR_RANGES]);

/** sconce_a64_report_vector - which vector reports by a store of 8 bytes to @address?
 * Returns false when none does. */
bool sconce_a64_report_vector(uint64_t gpa, uint64_t address, unsigned *ret_vector);

/* How far the shim has come. */
enum sconce_a64_progress {
    SCONCE_A64_SHIM_ENTERED,  /* all registers are the guest's */
    SCONCE_A64_SHIM_SAVED,    /* X0 and X1 are in the save area; the report is to come */
    SCONCE_A64_SHIM_REPORTED, /* likewise, and the host has been told */
};

/**
 * sconce_a64_shim_at - a vCPU stands at @pc at EL1: in which vector of EL0's, and how far?
 * A kick stops it before any instruction.
 * Returns false when it is elsewhere.
 */
bool sconce_a64_shim_at(uint64_t gpa, uint64_t pc, unsigned *ret_vector,
                        enum sconce_a64_progress *ret_progress);

/** sconce_a64_vector_gpa - where a vector starts. */
uint64_t sconce_a64_vector_gpa(uint64_t gpa, unsigned vector);

#endif
