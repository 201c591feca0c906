/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brk, mmap and their like, all inside the heap: brk grows up from its start, mappings lie as high
 * as they can. Page tables are never edited, so all of the heap is always readable and writable,
 * and what is asked of protections is checked, and counted where it cannot be had.
 *
 * What is given back is zeroed at once: so what is given out is zero. One call clears or copies no
 * more than the heap, of that only what was ever touched, and in pieces, so that a deadline or a
 * kick need not wait for all of it.
 */
#include "common/overflow.h"
#include "personality/mappings.h"
#include "personality/trap.h"

#define PROT_R 1u
#define PROT_W 2u
#define PROT_X 4u

#define MAP_TYPE 0x0fu
#define MAP_PRIVATE_ 0x02u
#define MAP_FIXED_ 0x10u
#define MAP_ANONYMOUS_ 0x20u
#define MAP_GROWSDOWN_ 0x100u
#define MAP_HUGETLB_ 0x40000u
#define MAP_FIXED_NOREPLACE_ 0x100000u

#define MREMAP_MAYMOVE_ 1u

#define MADV_DONTNEED_ 4u
#define MADV_REMOVE_ 9u
#define MADV_LAST 21u /* MADV_PAGEOUT; what comes later changes something */

/* A piece: a few milliseconds when all of it was touched, a system call when nothing was. */
#define MOST_AT_ONCE (4ull << 20)

static uint64_t heap_end(const struct sconce_personality_settings *settings)
{
    return settings->heap_addr + settings->heap_bytes;
}

static bool round_up(const struct trap *trap, uint64_t value, uint64_t *ret)
{
    return sconce_round_up_u64(value, trap->p->settings.page_bytes, ret);
}

static bool is_aligned(const struct trap *trap, uint64_t value)
{
    return (value & (trap->p->settings.page_bytes - 1)) == 0;
}

static bool in_heap(const struct trap *trap, uint64_t start, uint64_t end)
{
    return start >= trap->p->settings.heap_addr && end <= heap_end(&trap->p->settings);
}

/* Where mappings may begin: the page behind brk's last. */
static uint64_t mappings_floor(const struct trap *trap)
{
    uint64_t floor;

    return round_up(trap, trap->p->state.brk, &floor) ? floor : heap_end(&trap->p->settings);
}

/* The most that is done of @bytes at a time. */
static uint64_t piece_of(uint64_t bytes)
{
    return bytes < MOST_AT_ONCE ? bytes : MOST_AT_ONCE;
}

static bool stopped(const struct trap *trap)
{
    return trap->p->ops->stopped(trap->p->ctx);
}

static void zero(const struct trap *trap, uint64_t start, uint64_t end)
{
    for (uint64_t bytes; start < end; start += bytes) {
        bytes = piece_of(end - start);
        trap->p->ops->zero(trap->p->ctx, start, bytes);
        if (bytes < end - start && stopped(trap))
            return;
    }
}

/* What is mapped of [start, end). */
static void zero_mapped(const struct trap *trap, uint64_t start, uint64_t end)
{
    struct sconce_personality_range part;

    for (uint64_t at = start; mappings_next(&trap->p->state, at, end, &part); at = part.end) {
        zero(trap, part.start, part.end);
        if (part.end < end && stopped(trap))
            return;
    }
}

static void copy(const struct trap *trap, uint64_t to, uint64_t from, uint64_t bytes)
{
    for (uint64_t done = 0, piece; done < bytes; done += piece) {
        piece = piece_of(bytes - done);
        trap->p->ops->copy(trap->p->ctx, to + done, from + done, piece);
        if (piece < bytes - done && stopped(trap))
            return;
    }
}

/* A whole number of pages from a page on; EINVAL for others, and for those beyond 2^64. */
static int64_t page_range(const struct trap *trap, uint64_t start, uint64_t bytes,
                          uint64_t *ret_end)
{
    uint64_t rounded;

    if (!is_aligned(trap, start) || !round_up(trap, bytes, &rounded) ||
        !sconce_add_u64(start, rounded, ret_end))
        return ERR_INVAL;
    return 0;
}

/* Like the kernel's: an impossible wish is answered with where it is. */
int64_t trap_brk(struct trap *trap)
{
    struct sconce_personality_state *state = &trap->p->state;
    const struct sconce_personality_settings *settings = &trap->p->settings;
    uint64_t wish = trap->args[0];

    if (wish < settings->heap_addr || wish > mappings_lowest(state, heap_end(settings)))
        return (int64_t)state->brk;
    zero(trap, wish, state->brk);
    state->brk = wish;
    return (int64_t)wish;
}

static int64_t map(struct trap *trap, uint64_t bytes)
{
    struct sconce_personality_state *state = &trap->p->state;
    uint64_t start, rounded;

    if (!round_up(trap, bytes, &rounded) ||
        !mappings_find_gap(state, mappings_floor(trap), heap_end(&trap->p->settings), rounded,
                           &start) ||
        !mappings_add(state, start, start + rounded))
        return ERR_NOMEM;
    return (int64_t)start;
}

/* The address is a wish that need not be granted, and is not. */
int64_t trap_mmap(struct trap *trap)
{
    uint64_t bytes = trap->args[1], prot = trap->args[2], flags = trap->args[3];
    int64_t result;

    if (!bytes || !is_aligned(trap, trap->args[5]))
        return ERR_INVAL;
    if (!(flags & MAP_ANONYMOUS_))
        return (uint32_t)trap->args[4] <= 2 ? ERR_NODEV : ERR_BADF;
    if ((flags & MAP_TYPE) != MAP_PRIVATE_ ||
        (flags & (MAP_FIXED_ | MAP_FIXED_NOREPLACE_ | MAP_GROWSDOWN_)))
        return ERR_INVAL;
    if (prot & PROT_X)
        return ERR_ACCES;
    if (flags & MAP_HUGETLB_)
        return ERR_NOMEM;
    result = map(trap, bytes);
    if (result >= 0 && (prot & (PROT_R | PROT_W)) != (PROT_R | PROT_W))
        trap->p->counts.protections_ignored++;
    return result;
}

/* What is mapped of [start, end). False, and nothing has changed, when a split has no room: one
 * mapping then covers it all. */
static bool unmap(struct trap *trap, uint64_t start, uint64_t end)
{
    struct sconce_personality_state *state = &trap->p->state;

    if (mappings_cover(state, start, end)) {
        if (!mappings_remove(state, start, end))
            return false;
        zero(trap, start, end);
        return true;
    }
    zero_mapped(trap, start, end);
    return mappings_remove(state, start, end);
}

int64_t trap_munmap(struct trap *trap)
{
    uint64_t start = trap->args[0], end;

    if (!trap->args[1] || page_range(trap, start, trap->args[1], &end) ||
        !in_heap(trap, start, end))
        return ERR_INVAL;
    return unmap(trap, start, end) ? 0 : ERR_NOMEM;
}

static int64_t move(struct trap *trap, uint64_t start, uint64_t old_bytes, uint64_t new_bytes)
{
    int64_t moved = map(trap, new_bytes);

    if (moved < 0)
        return moved;
    copy(trap, (uint64_t)moved, start, old_bytes);
    if (unmap(trap, start, start + old_bytes))
        return moved;
    unmap(trap, (uint64_t)moved, (uint64_t)moved + new_bytes);
    return ERR_NOMEM;
}

int64_t trap_mremap(struct trap *trap)
{
    struct sconce_personality_state *state = &trap->p->state;
    uint64_t start = trap->args[0], old_end, new_end;

    if ((trap->args[3] & ~(uint64_t)MREMAP_MAYMOVE_) || !trap->args[1] || !trap->args[2] ||
        page_range(trap, start, trap->args[1], &old_end))
        return ERR_INVAL;
    if (!mappings_cover(state, start, old_end))
        return ERR_FAULT;
    if (page_range(trap, start, trap->args[2], &new_end))
        return ERR_NOMEM;
    if (new_end <= old_end)
        return unmap(trap, new_end, old_end) ? (int64_t)start : ERR_NOMEM;
    if (in_heap(trap, start, new_end) && mappings_free(state, old_end, new_end) &&
        mappings_add(state, old_end, new_end))
        return (int64_t)start;
    if (!(trap->args[3] & MREMAP_MAYMOVE_))
        return ERR_NOMEM;
    return move(trap, start, old_end - start, new_end - start);
}

/* Every stretch of the guest's own, one by one: the answer is the first that does not allow it. */
int64_t trap_mprotect(struct trap *trap)
{
    const uint32_t known = PROT_R | PROT_W | PROT_X;
    uint64_t at = trap->args[0], prot = trap->args[2], end;
    bool reduced = false;

    if ((prot & ~(uint64_t)known) || page_range(trap, at, trap->args[1], &end))
        return ERR_INVAL;
    while (at < end) {
        struct sconce_personality_span span;

        if (!trap->p->ops->memory(trap->p->ctx, at, &span))
            return ERR_NOMEM;
        if (prot & ~(uint64_t)span.prot)
            return ERR_ACCES;
        reduced |= prot != (span.prot & known);
        at = span.bytes < end - at ? at + span.bytes : end;
    }
    trap->p->counts.protections_ignored += reduced;
    return 0;
}

int64_t trap_madvise(struct trap *trap)
{
    const struct sconce_personality_state *state = &trap->p->state;
    uint64_t start = trap->args[0], advice = trap->args[2], end;

    if (page_range(trap, start, trap->args[1], &end) || advice > MADV_LAST ||
        advice == MADV_REMOVE_)
        return ERR_INVAL;
    if (!trap_allows(trap, start, end - start, 0))
        return ERR_NOMEM;
    if (advice != MADV_DONTNEED_)
        return 0;
    if (!in_heap(trap, start, end))
        return ERR_INVAL;
    zero(trap, start, end < state->brk ? end : state->brk);
    if (!stopped(trap))
        zero_mapped(trap, start, end);
    return 0;
}
