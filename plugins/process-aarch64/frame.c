/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a kernel's signal frame, and writing one. */
#include "plugins/process-aarch64/frame.h"

#include <string.h>

#include "arch/aarch64/regs.h"

#define RECORD_UNIT 16u

bool process_a64_find(const uint8_t *records, uint32_t magic, void *record, size_t bytes)
{
    struct process_a64_record head;
    size_t at = 0;

    while (at <= PROCESS_A64_RECORDS_BYTES - sizeof head) {
        memcpy(&head, records + at, sizeof head);
        if (head.magic == 0 || head.bytes < sizeof head || head.bytes % RECORD_UNIT ||
            head.bytes > PROCESS_A64_RECORDS_BYTES - at)
            return false;
        if (head.magic == magic) {
            if (head.bytes != bytes)
                return false;
            memcpy(record, records + at, bytes);
            return true;
        }
        at += head.bytes;
    }
    return false;
}

bool process_a64_is_known(const uint8_t *frame, uint64_t room)
{
    struct process_a64_simd simd;

    return room >= PROCESS_A64_FRAME_BYTES &&
           process_a64_find(frame + sizeof(struct process_a64_frame), PROCESS_A64_FPSIMD_MAGIC,
                            &simd, sizeof simd);
}

/* fork() copies the pointer of the host's shadow stack, and without a record it is left alone. */
static void put_gcs(const struct process_a64_gcs *gcs, uint8_t *records)
{
    memcpy(records + sizeof(struct process_a64_simd), gcs, sizeof *gcs);
}

void process_a64_frame_init(const struct process_a64_frame *old, bool gcs, uint8_t *frame,
                            uint64_t room)
{
    const struct process_a64_gcs no_gcs = {.head = {PROCESS_A64_GCS_MAGIC, sizeof no_gcs}};
    const struct process_a64_frame fresh = {
        .altstack = {old->altstack[0], old->altstack[1], old->altstack[2]},
        .mask = old->mask,
        .pstate = SCONCE_A64_PSTATE_EL0T,
    };
    const struct sconce_a64_float zero = {.fpsr = 0};

    memset(frame, 0, room);
    memcpy(frame, &fresh, sizeof fresh);
    process_a64_set_float(&zero, frame + sizeof fresh);
    if (gcs)
        put_gcs(&no_gcs, frame + sizeof fresh);
}

void process_a64_get_standard(const struct process_a64_frame *frame,
                              struct sconce_a64_standard *ret_regs)
{
    memcpy(ret_regs->x, frame->x, sizeof ret_regs->x);
    ret_regs->sp = frame->sp;
    ret_regs->pc = frame->pc;
    ret_regs->pstate = frame->pstate;
}

void process_a64_set_standard(struct process_a64_frame *frame,
                              const struct sconce_a64_standard *regs)
{
    memcpy(frame->x, regs->x, sizeof frame->x);
    frame->sp = regs->sp;
    frame->pc = regs->pc;
    frame->pstate = regs->pstate;
}

bool process_a64_get_float(const uint8_t *records, struct sconce_a64_float *ret_regs)
{
    struct process_a64_simd simd;

    if (!process_a64_find(records, PROCESS_A64_FPSIMD_MAGIC, &simd, sizeof simd))
        return false;
    memcpy(ret_regs->v, simd.v, sizeof ret_regs->v);
    ret_regs->fpsr = simd.fpsr;
    ret_regs->fpcr = simd.fpcr;
    return true;
}

bool process_a64_set_float(const struct sconce_a64_float *regs, uint8_t *records)
{
    struct process_a64_simd simd = {
        .head = {PROCESS_A64_FPSIMD_MAGIC, sizeof simd},
        .fpsr = (uint32_t)regs->fpsr,
        .fpcr = (uint32_t)regs->fpcr,
    };
    struct process_a64_gcs gcs;
    bool has_gcs;

    if (!sconce_a64_float_valid(regs))
        return false;
    has_gcs = process_a64_find(records, PROCESS_A64_GCS_MAGIC, &gcs, sizeof gcs);
    memcpy(simd.v, regs->v, sizeof simd.v);
    memset(records, 0, PROCESS_A64_RECORDS_BYTES);
    memcpy(records, &simd, sizeof simd);
    if (has_gcs)
        put_gcs(&gcs, records);
    return true;
}
