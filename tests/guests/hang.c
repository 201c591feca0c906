/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What never ends by itself: deadline, kick or another limit has to end it. Every export is LIMIT
 * (the limit is named in its comment) or KICKED.
 */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(void, host_nothing, (void));
SCONCE_IMPORT(sconce_str, host_echo_string, (sconce_str value));

/* Deadline. */
SCONCE_EXPORT(void, spin, (void))
{
    for (;;)
        __asm__ volatile("");
}

/* Deadline; touches memory all the time. */
SCONCE_EXPORT(void, spin_in_memory, (void))
{
    static volatile uint64_t cells[4096];

    for (uint64_t i = 0;; i++)
        cells[i % 4096] += i;
}

/* Succeeds. */
SCONCE_EXPORT(void, nothing, (void))
{
}

/* Succeeds: some work of a length to choose; the result is @rounds. */
SCONCE_EXPORT(uint64_t, work, (uint64_t rounds))
{
    volatile uint64_t done = 0;

    while (done < rounds)
        done++;
    return done;
}

/* Output bytes. */
SCONCE_EXPORT(void, print_forever, (void))
{
    for (;;)
        puts("again and again and again");
}

/* Deadline: exits without end that count for no output. */
SCONCE_EXPORT(void, print_nothing_forever, (void))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    for (;;) {
        memset(frame, 0, sizeof *frame);
        frame->kind = SCONCE_FRAME_PRINT;
        frame->slot_count = 1;
        frame->used_bytes = sizeof *frame + sizeof *slot;
        *slot = (struct sconce_slot){.type = SCONCE_TYPE_STRING, .value = frame->used_bytes};
        sconce_doorbell(SCONCE_DOORBELL_PRINT);
    }
}

/* Host calls. */
SCONCE_EXPORT(void, call_host_forever, (void))
{
    for (;;)
        host_nothing();
}

/* Host calls. The copies of the results fill the heap on the way; imports fail then, and go on. */
SCONCE_EXPORT(void, echo_forever, (sconce_str text))
{
    for (;;)
        host_echo_string(text);
}

/* Succeeds; @count host calls. */
SCONCE_EXPORT(void, call_host, (uint32_t count))
{
    while (count--)
        host_nothing();
}
