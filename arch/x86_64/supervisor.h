/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that runs or lies above the guest: four pages of the backend's reserved range, mapped for the
 * supervisor alone, followed by the page tables, which are mapped for nobody.
 *
 *   page 0  GDT and TSS     read-only
 *   page 1  IDT             read-only
 *   page 2  the shim        executable
 *   page 3  its stacks      writable; the host reads and edits interrupt frames here
 *
 * The shim has 16 bytes for each vector: one OUT to a port that ring 3 cannot use, then IRETQ,
 * between them an ADD that drops the error code if there is one. It touches no other register than
 * RSP; the place of the OUT tells the vector, the stack holds the rest.
 */
#ifndef SCONCE_ARCH_X86_64_SUPERVISOR_H
#define SCONCE_ARCH_X86_64_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/paging.h"

#define SCONCE_X86_SUPERVISOR_BYTES (4u * SCONCE_X86_PAGE)
#define SCONCE_X86_SUPERVISOR_RANGES 4u

#define SCONCE_X86_GDT_OFFSET 0u
#define SCONCE_X86_TSS_OFFSET 0x100u
#define SCONCE_X86_IDT_OFFSET 0x1000u
#define SCONCE_X86_SHIM_OFFSET 0x2000u
#define SCONCE_X86_STACKS_OFFSET 0x3000u

#define SCONCE_X86_SHIM_PORT 0x5eu
#define SCONCE_X86_SHIM_STRIDE 16u

/* What LSTAR and CSTAR hold: an address in the shim page that no handler starts at. A machine that
 * takes SYSCALL although EFER.SCE is clear faults here, in ring 3 (KVM-PVM does). */
#define SCONCE_X86_LSTAR_OFFSET (SCONCE_X86_SHIM_OFFSET + 0xff8u)

/* What an exception pushes (SDM vol 3A figure 6-9); the error code lies below, if there is one. */
struct sconce_x86_frame {
    uint64_t error; /* 0 for a vector without one */
    uint64_t rip;
    uint64_t cs;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

/** sconce_x86_supervisor_build - write the four pages, which the guest will see at @gpa. */
void sconce_x86_supervisor_build(void *pages, uint64_t gpa);

/** sconce_x86_supervisor_ranges - how the pages are to be mapped. */
void sconce_x86_supervisor_ranges(uint64_t gpa,
                                  struct sconce_x86_range ranges[SCONCE_X86_SUPERVISOR_RANGES]);

/** sconce_x86_has_error_code - does the vector push one (SDM vol 3A table 6-1)? */
bool sconce_x86_has_error_code(uint8_t vector);

/**
 * sconce_x86_shim_vector - in which vector's handler a vCPU stands.
 * @rip: at the OUT, behind it, or at any later instruction: a kick stops the vCPU before each.
 * Returns false when it is in no handler in the pages at @gpa.
 */
bool sconce_x86_shim_vector(uint64_t gpa, uint64_t rip, uint8_t *ret_vector);

/** sconce_x86_shim_report - where a vector's handler tells of the exception: at its OUT. */
uint64_t sconce_x86_shim_report(uint64_t gpa, uint8_t vector);

/** sconce_x86_shim_return - where it goes on from there, to return to the frame. */
uint64_t sconce_x86_shim_return(uint64_t gpa, uint8_t vector);

/* The frame of the exception that the shim is handling. Copied once; written back to the same
 * place, without the error code. */
void sconce_x86_frame_read(const void *pages, uint8_t vector, struct sconce_x86_frame *ret_frame);
void sconce_x86_frame_write(void *pages, uint8_t vector, const struct sconce_x86_frame *frame);

#endif
