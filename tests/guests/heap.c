/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap's edges. The calls that are not marked otherwise succeed and leave the heap as it was.
 */
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

struct link {
    struct link *next;
};

/* Allocate blocks until there are no more, free them all; how many there were. Always the same
 * number, so nothing leaks. */
SCONCE_EXPORT(uint64_t, exhaust, (uint64_t block_bytes))
{
    struct link *all = NULL, *block;
    uint64_t count = 0;

    if (block_bytes < sizeof *block)
        block_bytes = sizeof *block;
    while ((block = malloc(block_bytes)) != NULL) {
        block->next = all;
        all = block;
        count++;
    }
    while (all) {
        block = all;
        all = block->next;
        free(block);
    }
    return count;
}

/* The same with memory that is freed when the call returns. */
SCONCE_EXPORT(uint64_t, exhaust_call_memory, (uint64_t block_bytes))
{
    uint64_t count = 0;

    while (sconce_alloc(block_bytes))
        count++;
    return count;
}

/* The result of an import finds no memory: "-2:..." */
SCONCE_IMPORT(sconce_str, host_echo_string, (sconce_str value));
SCONCE_EXPORT(sconce_str, exhaust_then_host, (sconce_str text))
{
    sconce_str echo;

    while (sconce_alloc(16))
        ;
    echo = host_echo_string(text);
    if (!sconce_host_failed())
        return echo;
    sconce_fail(sconce_host_failed(), "%s", sconce_host_error());
    return echo;
}

/* Sizes that no heap has; the number of NULLs, which is 7. */
SCONCE_EXPORT(uint32_t, impossible, (void))
{
    volatile size_t most = SIZE_MAX;
    void *one = malloc(1);
    uint32_t nulls = 0;

    nulls += !malloc(most);
    nulls += !malloc(most - 8);
    nulls += !malloc(most / 2);
    nulls += !calloc(most / 2, 3);
    nulls += !calloc(most, most);
    nulls += !realloc(one, most - 15);
    nulls += !sconce_alloc(most);
    free(one);
    return nulls;
}

static uint64_t random_state;

static uint64_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static bool is_filled(const unsigned char *block, size_t bytes, unsigned char with)
{
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != with)
            return false;
    return true;
}

/* malloc, calloc, realloc and free at random, each block's contents checked; the number of
 * mistakes, which is 0. Nothing is left allocated. */
SCONCE_EXPORT(uint64_t, churn, (uint64_t random_seed, uint32_t rounds))
{
    static struct {
        unsigned char *block;
        size_t bytes;
    } slots[256];
    uint64_t mistakes = 0;

    random_state = random_seed | 1;
    for (uint32_t round = 0; round < rounds; round++) {
        unsigned i = random_number() % 256;
        size_t bytes = random_number() % (random_number() % 16 ? 512 : 20000);
        unsigned char *moved;

        if (!slots[i].block) {
            slots[i].block = round % 3 ? malloc(bytes) : calloc(1, bytes);
            if (!slots[i].block)
                continue;
            mistakes += (uintptr_t)slots[i].block % 16 != 0;
            if (round % 3 == 0)
                mistakes += !is_filled(slots[i].block, bytes, 0);
        } else if (round % 2) {
            mistakes += !is_filled(slots[i].block, slots[i].bytes, (unsigned char)i);
            free(slots[i].block);
            slots[i].block = NULL;
            continue;
        } else {
            size_t common = bytes < slots[i].bytes ? bytes : slots[i].bytes;

            moved = realloc(slots[i].block, bytes);
            if (!moved)
                continue;
            mistakes += !is_filled(moved, common, (unsigned char)i);
            slots[i].block = moved;
        }
        slots[i].bytes = bytes;
        memset(slots[i].block, (int)i, bytes);
    }
    for (unsigned i = 0; i < 256; i++) {
        if (slots[i].block)
            mistakes += !is_filled(slots[i].block, slots[i].bytes, (unsigned char)i);
        free(slots[i].block);
        slots[i].block = NULL;
    }
    return mistakes;
}

/* GUEST_FAULT: memory, write, at the first address behind the heap. */
SCONCE_EXPORT(void, write_behind_heap, (void))
{
    *(volatile char *)(sconce_boot()->heap_addr + sconce_boot()->heap_bytes) = 1;
}

/* GUEST_ABORT, "free(...": the allocator finds it. */
SCONCE_EXPORT(void, double_free, (void))
{
    void *volatile block = malloc(100);

    free(block);
    free(block);
}

/* GUEST_ABORT, "free(...": not a block. */
SCONCE_EXPORT(void, free_wild, (uint64_t address))
{
    free((void *)address);
}

/* GUEST_ABORT, "free(...": the header of the next block is gone. */
SCONCE_EXPORT(void, overrun, (void))
{
    volatile char *block = malloc(24);
    void *behind = malloc(24);

    for (int i = 0; i < 48; i++)
        block[i] = 'x';
    free(behind);
}
