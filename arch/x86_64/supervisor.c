/* SPDX-License-Identifier: Apache-2.0 */
/* Layout and contents of the supervisor's pages, and the frames on its stacks. */
#include "arch/x86_64/supervisor.h"

#include <stddef.h>
#include <string.h>

/* A frame is 48 bytes and no handler pushes more. */
#define STACK_BYTES 512u
_Static_assert(STACK_BYTES *SCONCE_X86_IST_COUNT <= SCONCE_X86_PAGE, "the stacks fit their page");
_Static_assert(SCONCE_X86_VECTORS *SCONCE_X86_SHIM_STRIDE == SCONCE_X86_PAGE, "a page of handlers");

/* Bytes of the frame that IRETQ takes, and of the error code below it. */
#define FRAME_BYTES 40u
#define ERROR_BYTES 8u

/* Where a handler's instructions start, behind its first one; build_shim() writes them. */
#define BEHIND_OUT 2u
#define BEHIND_ADD 6u /* only where there is an error code */

static uint64_t stack_top_offset(unsigned ist)
{
    return SCONCE_X86_STACKS_OFFSET + (uint64_t)ist * STACK_BYTES;
}

bool sconce_x86_has_error_code(uint8_t vector)
{
    switch (vector) {
    case 8:  /* #DF */
    case 10: /* #TS */
    case 11: /* #NP */
    case 12: /* #SS */
    case 13: /* #GP */
    case 14: /* #PF */
    case 17: /* #AC */
    case 21: /* #CP */
    case 29: /* #VC, AMD APM vol 2 8.2.20 */
    case 30: /* #SX, AMD APM vol 2 8.2.21 */
        return true;
    default:
        return false;
    }
}

static void build_shim(uint8_t *shim)
{
    static const uint8_t plain[] = {0xe6, SCONCE_X86_SHIM_PORT,      /* out %al, $port */
                                    0x48, 0xcf};                     /* iretq */
    static const uint8_t with_error[] = {0xe6, SCONCE_X86_SHIM_PORT, /* out %al, $port */
                                         0x48, 0x83,
                                         0xc4, 0x08,  /* add $8, %rsp */
                                         0x48, 0xcf}; /* iretq */

    memset(shim, 0xcc, SCONCE_X86_PAGE); /* int3: nothing falls through */
    for (unsigned vector = 0; vector < SCONCE_X86_VECTORS; vector++) {
        if (sconce_x86_has_error_code((uint8_t)vector))
            memcpy(shim + vector * SCONCE_X86_SHIM_STRIDE, with_error, sizeof with_error);
        else
            memcpy(shim + vector * SCONCE_X86_SHIM_STRIDE, plain, sizeof plain);
    }
}

void sconce_x86_supervisor_build(void *pages, uint64_t gpa)
{
    uint8_t *at = pages;
    uint64_t stack_tops[SCONCE_X86_IST_COUNT];

    memset(pages, 0, SCONCE_X86_SUPERVISOR_BYTES);
    for (unsigned i = 0; i < SCONCE_X86_IST_COUNT; i++)
        stack_tops[i] = gpa + stack_top_offset(i + 1);
    sconce_x86_gdt_build(at + SCONCE_X86_GDT_OFFSET, gpa + SCONCE_X86_TSS_OFFSET);
    sconce_x86_tss_build(at + SCONCE_X86_TSS_OFFSET, stack_tops);
    sconce_x86_idt_build(at + SCONCE_X86_IDT_OFFSET, gpa + SCONCE_X86_SHIM_OFFSET,
                         SCONCE_X86_SHIM_STRIDE);
    build_shim(at + SCONCE_X86_SHIM_OFFSET);
}

void sconce_x86_supervisor_ranges(uint64_t gpa,
                                  struct sconce_x86_range ranges[SCONCE_X86_SUPERVISOR_RANGES])
{
    static const struct sconce_x86_range relative[SCONCE_X86_SUPERVISOR_RANGES] = {
        {SCONCE_X86_GDT_OFFSET, SCONCE_X86_PAGE, SCONCE_PROT_READ, false},
        {SCONCE_X86_IDT_OFFSET, SCONCE_X86_PAGE, SCONCE_PROT_READ, false},
        {SCONCE_X86_SHIM_OFFSET, SCONCE_X86_PAGE, SCONCE_PROT_READ | SCONCE_PROT_EXEC, false},
        {SCONCE_X86_STACKS_OFFSET, SCONCE_X86_PAGE, SCONCE_PROT_READ | SCONCE_PROT_WRITE, false},
    };

    memcpy(ranges, relative, sizeof relative);
    for (unsigned i = 0; i < SCONCE_X86_SUPERVISOR_RANGES; i++)
        ranges[i].gpa += gpa;
}

bool sconce_x86_shim_vector(uint64_t gpa, uint64_t rip, uint8_t *ret_vector)
{
    uint64_t offset = rip - gpa - SCONCE_X86_SHIM_OFFSET;
    uint64_t within = offset % SCONCE_X86_SHIM_STRIDE;
    uint8_t vector = (uint8_t)(offset / SCONCE_X86_SHIM_STRIDE);

    if (offset >= SCONCE_X86_PAGE)
        return false;
    if (within != 0 && within != BEHIND_OUT &&
        !(within == BEHIND_ADD && sconce_x86_has_error_code(vector)))
        return false;
    *ret_vector = vector;
    return true;
}

uint64_t sconce_x86_shim_report(uint64_t gpa, uint8_t vector)
{
    return gpa + SCONCE_X86_SHIM_OFFSET + (uint64_t)vector * SCONCE_X86_SHIM_STRIDE;
}

uint64_t sconce_x86_shim_return(uint64_t gpa, uint8_t vector)
{
    return sconce_x86_shim_report(gpa, vector) + BEHIND_OUT;
}

static uint64_t frame_offset(uint8_t vector)
{
    return stack_top_offset(sconce_x86_ist_of(vector)) - FRAME_BYTES;
}

void sconce_x86_frame_read(const void *pages, uint8_t vector, struct sconce_x86_frame *ret_frame)
{
    const uint8_t *at = (const uint8_t *)pages + frame_offset(vector) - ERROR_BYTES;

    memcpy(ret_frame, at, sizeof *ret_frame); /* the vCPU stands still, nobody else can write */
    if (!sconce_x86_has_error_code(vector))
        ret_frame->error = 0; /* what lies there is from an earlier exception */
}
_Static_assert(sizeof(struct sconce_x86_frame) == FRAME_BYTES + ERROR_BYTES, "read as one");

void sconce_x86_frame_write(void *pages, uint8_t vector, const struct sconce_x86_frame *frame)
{
    memcpy((uint8_t *)pages + frame_offset(vector), &frame->rip, FRAME_BYTES);
}
_Static_assert(offsetof(struct sconce_x86_frame, rip) == ERROR_BYTES, "written from rip on");
