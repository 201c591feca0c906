/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from the guest to the host: header, slots, then the bytes, at the start of OUT. One at a
 * time: a frame that was begun is rung before the next is.
 */
#include <string.h>

#include "internal.h"

uintptr_t sconce_fault_stack, sconce_fault_stack_bytes;
uint64_t sconce_out_begun, sconce_out_left;

static uint64_t begun;     /* and not rung yet; 0: no frame is */
static uint64_t next_byte; /* where the next span goes, from the start of OUT */

SCONCE_HOT struct sconce_frame *sconce_out_frame(void)
{
    return (struct sconce_frame *)sconce_boot_page->out_addr;
}

SCONCE_HOT static struct sconce_slot *slot(uint32_t i)
{
    return (struct sconce_slot *)(sconce_out_frame() + 1) + i;
}

SCONCE_HOT void sconce_out_interrupted(uint64_t *busy)
{
    if (*busy <= sconce_out_left || /* 0, or nobody comes back to it */
        (uintptr_t)__builtin_frame_address(0) - sconce_fault_stack >= sconce_fault_stack_bytes)
        return;
    *busy = 0; /* the guest does not go back */
    sconce_abort("the fault handler printed or called the host, but the fault came while the guest "
                 "was doing that itself");
}

SCONCE_HOT void sconce_out_begin(uint32_t kind, uint32_t index, uint32_t slot_count)
{
    sconce_out_interrupted(&begun);
    begun = ++sconce_out_begun;
    *sconce_out_frame() =
        (struct sconce_frame){.kind = kind, .index = index, .slot_count = slot_count};
    for (uint32_t i = 0; i < slot_count; i++)
        sconce_out_scalar(i, SCONCE_TYPE_NONE, 0);
    next_byte = sizeof(struct sconce_frame) + slot_count * sizeof(struct sconce_slot);
}

SCONCE_HOT void sconce_out_scalar(uint32_t i, uint32_t type, uint64_t bits)
{
    *slot(i) = (struct sconce_slot){.type = type, .value = bits};
}

SCONCE_HOT bool sconce_out_span(uint32_t i, uint32_t type, const void *data, size_t length)
{
    if (length > UINT32_MAX || length > sconce_boot_page->out_bytes - next_byte)
        return false;
    *slot(i) = (struct sconce_slot){.type = type, .length = (uint32_t)length, .value = next_byte};
    if (length)
        memcpy((char *)sconce_out_frame() + next_byte, data, length);
    next_byte += length;
    return true;
}

SCONCE_HOT void sconce_out_ring(uint32_t doorbell)
{
    sconce_out_frame()->used_bytes = next_byte;
    begun = 0;
    sconce_doorbell(doorbell);
}
