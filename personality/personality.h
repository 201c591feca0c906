/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's trapped system calls are answered with, so that an ordinary static C library
 * works: memory inside the sandbox's heap, output, input, clock, random bytes, the end. Nothing
 * reaches the host's kernel but its clock and its random bytes. Knows guest addresses and
 * callbacks; it must know no backend, no architecture's numbers, and nothing of the core.
 *
 * Numbers, pointers and lengths are the guest's: checked against its memory, copied once. What the
 * guest writes into heap memory that it does not have mapped is its own affair: it finds it there.
 */
#ifndef SCONCE_PERSONALITY_PERSONALITY_H
#define SCONCE_PERSONALITY_PERSONALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

/* ---- Which numbers are served --------------------------------------------------------------- */

#define SCONCE_PERSONALITY_NUMBERS 1024u /* raw numbers from here on have no entry */

/* By raw number: an entry, counted from 1; 0 is a call that is denied. Zeroed, all are. */
struct sconce_personality_table {
    uint8_t entries[SCONCE_PERSONALITY_NUMBERS];
};

/** sconce_personality_resolve - fill the table by the names that an architecture has. */
void sconce_personality_resolve(struct sconce_personality_table *table,
                                const char *(*name)(uint64_t number));

/** sconce_personality_entry_name - the @i-th name that is served; NULL past the last. */
const char *sconce_personality_entry_name(size_t i);

/** sconce_personality_arg_count - how many arguments a call has; 6 of one that nobody serves. */
uint32_t sconce_personality_arg_count(const struct sconce_personality_table *table,
                                      uint64_t number);

/* ---- One sandbox ----------------------------------------------------------------------------- */

#define SCONCE_PERSONALITY_SEED_BYTES 32u

#define SCONCE_PERSONALITY_READ 1u
#define SCONCE_PERSONALITY_WRITE 2u
#define SCONCE_PERSONALITY_EXEC 4u

/* A stretch of guest memory as the host sees it. */
struct sconce_personality_span {
    uint8_t *host;
    uint64_t bytes; /* from the address that was asked for, never 0 */
    uint32_t prot;  /* what the guest may do there: SCONCE_PERSONALITY_READ, ... */
};

/**
 * struct sconce_personality_ops - what the sandbox does for it.
 * @memory: the stretch at guest address @address; false where the guest has no memory. Stretches
 *   that touch may come one by one; there are few of them.
 * @wrote: the host has written guest memory. NULL: nobody wants to know.
 * @zero: clear guest memory within the heap, cheaply where it was never touched.
 * @copy: within the heap, what does not overlap; cheap where @from was never touched: there @to,
 *   which was given out zero, may stay as it is.
 * @stopped: must the call end before the guest runs on? Asked between the pieces of long work, of
 *   which the rest is left undone then. Once it is true it must stay so, and the guest must not run
 *   again.
 * @output: what the guest writes to @fd, 1 or 2. In pieces of at most 4 KiB.
 * @input: up to @bytes bytes; 0 at the end, negative when it failed. NULL: there is no input.
 * @set_tls: set the thread pointer. 1 when no guest can hold it; negative SCONCE_E_* with @err.
 */
struct sconce_personality_ops {
    bool (*memory)(void *ctx, uint64_t address, struct sconce_personality_span *ret);
    void (*wrote)(void *ctx, uint64_t address, uint64_t bytes);
    void (*zero)(void *ctx, uint64_t address, uint64_t bytes);
    void (*copy)(void *ctx, uint64_t to, uint64_t from, uint64_t bytes);
    bool (*stopped)(void *ctx);
    void (*output)(void *ctx, uint32_t fd, const void *data, size_t bytes);
    int64_t (*input)(void *ctx, void *data, size_t bytes);
    int (*set_tls)(void *ctx, uint64_t tls, struct sconce_error *err);
};

#define SCONCE_PERSONALITY_CLOCK_HOST 0u
#define SCONCE_PERSONALITY_CLOCK_FROZEN 1u /* every clock always shows @clock_seconds */
#define SCONCE_PERSONALITY_CLOCK_OFFSET 2u /* the time of day is the host's and @clock_seconds */

/* What does not change while the sandbox lives. */
struct sconce_personality_settings {
    uint64_t heap_addr; /* multiples of @page_bytes */
    uint64_t heap_bytes;
    uint64_t stack_bytes;
    uint64_t page_bytes; /* a power of two */
    uint32_t clock;      /* SCONCE_PERSONALITY_CLOCK_* */
    bool seeded;         /* random bytes come from @seed, else from the host */
    int64_t clock_seconds;
    uint8_t seed[SCONCE_PERSONALITY_SEED_BYTES];
};

/* More than this many separate mappings are ENOMEM. */
#define SCONCE_PERSONALITY_MAPPINGS 4096u

/* A state from elsewhere that has used up more of a seeded stream is none: at a gigabyte a second
 * that is three days of it, and there is room for as much behind it as can be. */
#define SCONCE_PERSONALITY_RANDOM_MOST (1ull << 48)

/* [start, end) of guest memory. */
struct sconce_personality_range {
    uint64_t start, end;
};

/* What system calls change, and a snapshot keeps. Zeroed, it is one of no sandbox. */
struct sconce_personality_state {
    uint64_t brk;                              /* the heap's used part ends here; page or not */
    struct sconce_personality_range *mappings; /* sorted, apart, none touching another */
    uint32_t mapping_count;
    uint32_t mapping_room;
    uint64_t random_at; /* bytes of the seeded stream that are used up */
};

void sconce_personality_state_init(struct sconce_personality_state *state,
                                   const struct sconce_personality_settings *settings);
void sconce_personality_state_fini(struct sconce_personality_state *state);

/**
 * sconce_personality_state_check - could system calls have brought a sandbox with these settings
 * there? For states that come from elsewhere. Tells what is wrong, SCONCE_E_INVALID.
 */
int sconce_personality_state_check(const struct sconce_personality_state *state,
                                   const struct sconce_personality_settings *settings,
                                   struct sconce_error *err);

/** sconce_personality_state_reserve - room for a copy of @from, which then cannot fail. */
int sconce_personality_state_reserve(struct sconce_personality_state *to,
                                     const struct sconce_personality_state *from,
                                     struct sconce_error *err);

/** sconce_personality_state_copy - @to has the room: see sconce_personality_state_reserve. */
void sconce_personality_state_copy(struct sconce_personality_state *to,
                                   const struct sconce_personality_state *from);

struct sconce_personality_counts {
    uint64_t denied;              /* calls that no entry serves */
    uint64_t protections_ignored; /* requests for less access that was not taken away */
};

struct sconce_personality {
    const struct sconce_personality_table *table;
    const struct sconce_personality_ops *ops;
    void *ctx; /* of the ops */
    struct sconce_personality_settings settings;
    struct sconce_personality_state state;
    struct sconce_personality_counts counts;
};

/**
 * sconce_personality_call - answer one system call.
 * @ret_result: what the guest gets: a result, or a negative errno of Linux.
 * Errors, which end the guest: GUEST_EXIT, GUEST_ABORT; what ops->set_tls gave.
 */
int sconce_personality_call(struct sconce_personality *personality, uint64_t number,
                            const uint64_t args[6], int64_t *ret_result, struct sconce_error *err);

/**
 * sconce_personality_stream - random bytes that follow from a seed: @bytes of the stream number
 * @stream, from its byte @at on. Stream 0 is what getrandom gives.
 */
void sconce_personality_stream(const uint8_t seed[SCONCE_PERSONALITY_SEED_BYTES], uint64_t stream,
                               uint64_t at, void *data, size_t bytes);

/** sconce_personality_signal_name - "SIGABRT" for 6; NULL for one without a name; static. */
const char *sconce_personality_signal_name(uint32_t number);

#endif
