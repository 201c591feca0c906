/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls within calls: the host's host_again calls these exports while they wait for it.
 */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(sconce_str, host_again, (uint32_t what, sconce_str text));
SCONCE_IMPORT(void, host_nothing, (void));

static uint32_t running; /* calls of descend */
static uint32_t done;

static sconce_str view_of_host_error(void)
{
    return sconce_format("%d:%s", sconce_host_failed(), sconce_host_error());
}

/*
 * "LEVELS(TEXT)" around what host_again(LEVELS - 1, TEXT) gave; "TEXT" when LEVELS is 0. What
 * host_again failed with is "CODE:TEXT". GUEST_FAILED 20 to 23 when something of this call was lost
 * meanwhile: its argument, its memory, or who runs.
 */
SCONCE_EXPORT(sconce_str, descend, (uint32_t levels, sconce_str text))
{
    static const char pattern[] = "memory of this call";
    uint32_t depth = ++running;
    sconce_str was = sconce_format("%.*s", (int)text.length, text.data);
    char *kept = sconce_alloc(sizeof pattern);
    sconce_str inner;

    if (kept)
        memcpy(kept, pattern, sizeof pattern);
    if (levels) {
        inner = host_again(levels - 1, text);
        if (sconce_host_failed())
            inner = view_of_host_error();
    } else {
        inner = text;
    }
    if (was.length != text.length || memcmp(was.data, text.data, text.length) != 0)
        sconce_fail(20, "the argument is another");
    if (!kept || memcmp(kept, pattern, sizeof pattern) != 0)
        sconce_fail(21, "the memory is another's");
    if (running != depth)
        sconce_fail(22, "%u calls run, not %u", running, depth);
    running--;
    done++;
    if (!levels)
        return inner;
    return sconce_format("%u(%.*s)", levels, (int)inner.length, inner.data);
}

/* How many calls of descend have come to their end. */
SCONCE_EXPORT(uint32_t, descents, (void))
{
    return done;
}

/* What host_again gives, or "CODE:TEXT" of its failure. */
SCONCE_EXPORT(sconce_str, again, (uint32_t what, sconce_str text))
{
    sconce_str r = host_again(what, text);

    return sconce_host_failed() ? view_of_host_error() : r;
}

/* GUEST_FAILED 7 "outer": what nested calls fail with is not this call's. */
SCONCE_EXPORT(void, fail_around, (void))
{
    sconce_fail(7, "outer");
    host_again(0, SCONCE_STR(""));
}

/* GUEST_FAILED, but for @code 0. */
SCONCE_EXPORT(void, fail_with, (int32_t code))
{
    if (code)
        sconce_fail(code, "nested");
}

/* 0: no import of the call around this one is seen here; and then what host_nothing left. */
SCONCE_EXPORT(int32_t, failure_seen, (void))
{
    int32_t seen = sconce_host_failed();

    host_nothing();
    return seen ? seen : sconce_host_failed();
}

/* Prints "<" and ">" around what host_again makes printed, in this order. */
SCONCE_EXPORT(void, print_around, (void))
{
    printf("<");
    host_again(0, SCONCE_STR(""));
    printf(">");
}

SCONCE_EXPORT(void, print_text, (const char *text))
{
    printf("%s", text);
}

/* Calls host_nothing so often. */
SCONCE_EXPORT(void, call_host, (uint32_t times))
{
    while (times--)
        host_nothing();
}

/* ---- What does not end well ------------------------------------------------------------------ */

/* GUEST_FAULT. */
SCONCE_EXPORT(void, write_null, (void))
{
    static volatile uintptr_t at = 16; /* read: the compiler knows better than to write there */

    *(volatile char *)at = 1;
}

/* GUEST_ABORT. */
SCONCE_EXPORT(void, give_up, (void))
{
    sconce_abort("gave up inside");
}

/* LIMIT (deadline), or KICKED. */
SCONCE_EXPORT(void, spin, (void))
{
    for (;;)
        __asm__ volatile("");
}

static void write_frame(uint32_t kind, uint32_t slots)
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    *frame = (struct sconce_frame){
        .kind = kind, .slot_count = slots, .used_bytes = sizeof *frame + slots * sizeof *slot};
    for (uint32_t i = 0; i < slots; i++)
        slot[i] = (struct sconce_slot){.type = SCONCE_TYPE_NONE};
}

/*
 * Rings @doorbell with an otherwise empty frame of @kind, whatever is due: GUEST_PROTOCOL but for
 * what ends the innermost call rightly, RETURN at READY in the outermost and at RETURN in a nested
 * one. GUEST_FAILED 24 where it came back.
 */
SCONCE_EXPORT(void, ring, (uint32_t doorbell, uint32_t kind, uint32_t slots))
{
    write_frame(kind, slots);
    sconce_doorbell(doorbell);
    if (doorbell == SCONCE_DOORBELL_READY)
        sconce_resume(sconce_boot());
    sconce_fail(24, "doorbell %u came back", doorbell);
}

/*
 * HOST_CALL of the import of number @index, without arguments, whose answer is wanted at @at. In a
 * nested call an answer over the arguments of the calls around it is the guest's own affair.
 */
SCONCE_EXPORT(void, reply_at, (uint32_t index, uint64_t at))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;

    write_frame(SCONCE_FRAME_HOST_CALL, 0);
    frame->index = index;
    frame->reply_at = at;
    sconce_doorbell(SCONCE_DOORBELL_HOST_CALL);
}

/* The index of an import that takes nothing, for reply_at. */
SCONCE_EXPORT(uint32_t, index_of_nothing, (void))
{
    extern const struct sconce_table_entry __start_sconce_imports[];

    return (uint32_t)(&sconce_import_host_nothing - __start_sconce_imports);
}
