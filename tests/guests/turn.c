/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does not keep to its turn: it writes what it likes into the turn word, goes on while
 * the host has the turn, and changes frames under the host's eyes. Without a turn word every export
 * but nothing() and ask() is GUEST_FAILED 3.
 */
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(sconce_str, host_echo_string, (sconce_str value));

#define NO_WORD 3

extern void sconce_resume_entry(void);

static volatile uint32_t *word(void)
{
    return (volatile uint32_t *)sconce_boot()->turn_addr;
}

static bool has_word(void)
{
    if (word())
        return true;
    sconce_fail(NO_WORD, "there is no turn word");
    return false;
}

static volatile struct sconce_frame *frame(void)
{
    return (volatile struct sconce_frame *)sconce_boot()->out_addr;
}

/* A right RETURN without a result. */
static void write_return(void)
{
    struct sconce_frame *out = (struct sconce_frame *)sconce_boot()->out_addr;

    *out = (struct sconce_frame){.kind = SCONCE_FRAME_RETURN,
                                 .used_bytes = sizeof *out,
                                 .resume_pc = (uintptr_t)sconce_resume_entry,
                                 .resume_sp = sconce_boot()->stack_top};
}

/* By memory, whatever the host thinks of it. */
static void ring(uint32_t number)
{
    __atomic_store_n((uint32_t *)sconce_boot()->turn_addr, number, __ATOMIC_RELEASE);
}

/* Some time for the host to read what was rung. */
static void let_it_be_heard(void)
{
    for (volatile uint32_t i = 0; i < 100000; i++)
        ;
}

SCONCE_EXPORT(void, nothing, (void))
{
}

SCONCE_EXPORT(void, ask, (void))
{
    host_echo_string(SCONCE_STR("hello"));
}

/* Succeeds, whatever @value is, unless it rings a doorbell: GUEST_PROTOCOL then, or success where
 * nobody looks. */
SCONCE_EXPORT(void, lie, (uint32_t value))
{
    if (has_word())
        *word() = value;
}

/* Succeeds where the host looks, and computes on: what comes next to the sandbox is LIMIT
 * (deadline) or GUEST_PROTOCOL. Else LIMIT (deadline). */
SCONCE_EXPORT(void, return_and_run, (void))
{
    if (!has_word())
        return;
    write_return();
    ring(SCONCE_DOORBELL_READY);
    for (;;)
        __asm__ volatile("");
}

/* The same; it writes frame and word meanwhile, with all kinds of values. */
SCONCE_EXPORT(void, return_and_scribble, (void))
{
    if (!has_word())
        return;
    write_return();
    ring(SCONCE_DOORBELL_READY);
    let_it_be_heard();
    for (uint32_t i = 0;; i = i * 1664525u + 1013904223u) {
        if (i >> 24 == 0)
            *word() = i >> 8 & 0x3ff;
        frame()->kind = i & 15;
        frame()->slot_count = i >> 4 & 31;
        frame()->used_bytes = i >> 9 & 0xffff;
    }
}

/* Succeeds where the host looks, and faults: what comes next is GUEST_FAULT (MEMORY write at 0), or
 * GUEST_PROTOCOL. Else GUEST_FAULT. */
SCONCE_EXPORT(void, return_and_fault, (void))
{
    volatile char *volatile nowhere = NULL;

    if (!has_word())
        return;
    write_return();
    ring(SCONCE_DOORBELL_READY);
    *nowhere = 1;
}

/* Says that it falls asleep, and does not. As return_and_run, but that the host has to wait for it
 * when it comes back. */
SCONCE_EXPORT(void, return_and_feign, (void))
{
    if (!has_word())
        return;
    write_return();
    ring(SCONCE_DOORBELL_READY);
    let_it_be_heard();
    for (;;)
        *word() = SCONCE_TURN_ASLEEP;
}

/* @rounds host calls whose frame changes while the host reads it. Success or GUEST_PROTOCOL; the
 * host function never gets a string that is not UTF-8. */
SCONCE_EXPORT(void, flip, (uint32_t rounds, uint32_t seed))
{
    char *out = (char *)sconce_boot()->out_addr;
    const uint64_t text_at = sizeof(struct sconce_frame) + sizeof(struct sconce_slot);
    volatile struct sconce_slot *slot = (volatile struct sconce_slot *)(frame() + 1);
    const struct sconce_frame *call = (const struct sconce_frame *)sconce_boot()->in_addr;
    uint64_t reply_at = (call->used_bytes + 15) & ~15ull;

    if (!has_word() || !sconce_boot()->turn_spins)
        return;
    for (uint32_t i = 0; i < rounds; i++) {
        *(struct sconce_frame *)out = (struct sconce_frame){.kind = SCONCE_FRAME_HOST_CALL,
                                                            .slot_count = 1,
                                                            .used_bytes = text_at + 64,
                                                            .reply_at = reply_at};
        *slot = (struct sconce_slot){SCONCE_TYPE_STRING, 64, text_at};
        memset(out + text_at, 'a', 64);
        ring(SCONCE_DOORBELL_HOST_CALL);
        for (uint32_t looks = 0; looks < 100000 && *word() == SCONCE_DOORBELL_HOST_CALL; looks++) {
            if (looks < ((i * 37 + seed) & 127)) /* sometimes the host is done by then */
                continue;
            slot->length = looks & 0xffff;
            slot->value = looks & 1 ? text_at : UINT64_MAX;
            frame()->slot_count = looks & 31;
            out[text_at + (looks & 63)] = looks & 64 ? 'b' : (char)0xff;
        }
        if (*word() != SCONCE_TURN_ANSWERED)
            return; /* nobody looks any more */
    }
}
