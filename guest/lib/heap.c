/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc: boundary tags, and free blocks in lists by power of two. Neighbours that are free are one
 * block at all times. Memory is never given back: the host takes it with the sandbox.
 *
 * The heap is laid out as: block, block, ..., end mark (a used block of no size).
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What the allocating functions give when they cannot; where there is errno, it is to be set. */
#ifndef HEAP_EXHAUSTED
#define HEAP_EXHAUSTED NULL
#endif

#define UNIT 16u /* of sizes and of alignment */
#define USED ((size_t)1)

struct block {
    size_t before;    /* size of the block below, 0 for the first */
    size_t size_used; /* bytes of the whole block, and USED */
    /* What follows is the caller's while the block is in use. */
    struct block *next;
    struct block *previous;
};

#define HEADER offsetof(struct block, next)
_Static_assert(HEADER == UNIT, "what malloc returns is aligned");

#define BINS 48u /* bin i holds sizes in [2^i, 2^(i+1)) */

static struct block *bins[BINS];
static uintptr_t heap_start, heap_end;

static size_t size_of(const struct block *block)
{
    return block->size_used & ~USED;
}

static bool is_used(const struct block *block)
{
    return block->size_used & USED;
}

static struct block *above(struct block *block)
{
    return (struct block *)((char *)block + size_of(block));
}

static struct block *below(struct block *block)
{
    return (struct block *)((char *)block - block->before);
}

static unsigned bin_of(size_t size)
{
    unsigned bin = 63u - (unsigned)__builtin_clzll(size);

    return bin < BINS ? bin : BINS - 1;
}

static void insert(struct block *block)
{
    struct block **bin = &bins[bin_of(size_of(block))];

    block->next = *bin;
    block->previous = NULL;
    if (*bin)
        (*bin)->previous = block;
    *bin = block;
}

static void take_out(struct block *block)
{
    if (block->previous)
        block->previous->next = block->next;
    else
        bins[bin_of(size_of(block))] = block->next;
    if (block->next)
        block->next->previous = block->previous;
}

static void set_size(struct block *block, size_t size, size_t used)
{
    block->size_used = size | used;
    above(block)->before = size;
}

void sconce_heap_init(void *memory, size_t bytes)
{
    struct block *first, *end;
    uintptr_t start = ((uintptr_t)memory + UNIT - 1) & ~(uintptr_t)(UNIT - 1);
    uintptr_t stop = ((uintptr_t)memory + bytes) & ~(uintptr_t)(UNIT - 1);

    if (stop < start || stop - start < sizeof(struct block) + HEADER)
        return; /* too small to hold anything: malloc finds every bin empty */
    first = (struct block *)start;
    end = (struct block *)(stop - HEADER);
    heap_start = start;
    heap_end = (uintptr_t)end;
    first->before = 0;
    end->size_used = USED;
    set_size(first, heap_end - heap_start, 0);
    insert(first);
}

/* A free block of at least @size bytes, out of its list. */
static struct block *find(size_t size)
{
    unsigned bin = bin_of(size);

    for (struct block *block = bins[bin]; block; block = block->next)
        if (size_of(block) >= size) {
            take_out(block);
            return block;
        }
    for (bin++; bin < BINS; bin++)
        if (bins[bin]) {
            struct block *block = bins[bin];

            take_out(block);
            return block;
        }
    return NULL;
}

/* Put a block that is in no list into one, joined with its free neighbours. */
static void release(struct block *block)
{
    size_t size = size_of(block);
    struct block *neighbour = above(block);

    /* Its header stays behind where the block below takes it in, and must not look allocated. */
    block->size_used = size;
    if (!is_used(neighbour)) {
        take_out(neighbour);
        size += size_of(neighbour);
    }
    if (block->before && !is_used(below(block))) {
        block = below(block);
        take_out(block);
        size += size_of(block);
    }
    set_size(block, size, 0);
    insert(block);
}

/* Mark a block used and cut it to @size, where the rest can stand alone. */
static void use(struct block *block, size_t size)
{
    size_t rest = size_of(block) - size;

    if (rest < sizeof(struct block)) {
        set_size(block, size_of(block), USED);
        return;
    }
    set_size(block, size, USED);
    above(block)->size_used = rest;
    release(above(block));
}

/* The block's size for a request; false when no heap could hold it. */
static bool block_size(size_t bytes, size_t *ret_size)
{
    if (bytes > heap_end - heap_start)
        return false;
    *ret_size = (bytes + HEADER + UNIT - 1) & ~(size_t)(UNIT - 1);
    if (*ret_size < sizeof(struct block))
        *ret_size = sizeof(struct block);
    return true;
}

static struct block *block_of(void *memory, const char *caller)
{
    struct block *block = (struct block *)((char *)memory - HEADER);
    uintptr_t at = (uintptr_t)block;

    if (at < heap_start || at >= heap_end || at % UNIT || !is_used(block) ||
        size_of(block) > heap_end - at || above(block)->before != size_of(block))
        sconce_abort("%s(%p): not allocated, or the heap was overwritten", caller, memory);
    return block;
}

void *malloc(size_t bytes)
{
    struct block *block;
    size_t size;

    if (!block_size(bytes, &size))
        return HEAP_EXHAUSTED;
    block = find(size);
    if (!block)
        return HEAP_EXHAUSTED;
    use(block, size);
    return &block->next;
}

void free(void *memory)
{
    if (memory)
        release(block_of(memory, "free"));
}

void *calloc(size_t count, size_t bytes)
{
    size_t total;
    void *memory;

    if (__builtin_mul_overflow(count, bytes, &total))
        return HEAP_EXHAUSTED;
    memory = malloc(total);
    if (memory)
        memset(memory, 0, total);
    return memory;
}

void *realloc(void *memory, size_t bytes)
{
    struct block *block, *neighbour;
    size_t size, old;
    void *moved;

    if (!memory)
        return malloc(bytes);
    block = block_of(memory, "realloc");
    if (!block_size(bytes, &size))
        return HEAP_EXHAUSTED;
    old = size_of(block);
    neighbour = above(block);
    if (old < size && !is_used(neighbour) && old + size_of(neighbour) >= size) {
        take_out(neighbour);
        set_size(block, old + size_of(neighbour), USED);
    }
    if (size_of(block) >= size) {
        use(block, size);
        return memory;
    }
    moved = malloc(bytes);
    if (moved) {
        memcpy(moved, memory, old - HEADER);
        free(memory);
    }
    return moved;
}
