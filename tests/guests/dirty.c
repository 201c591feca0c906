/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills all the memory that a sandbox may write, and tells what is in it: restoring a snapshot must
 * bring back every byte. All calls succeed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

#define DATA_WORDS 16384u
#define STACK_WORDS 2048u
#define STACK_SPARE 8192u /* bytes at the top that are left out: what is running is there */

static volatile uint64_t data[DATA_WORDS] = {1};
static volatile uint64_t bss[DATA_WORDS];
static volatile uint64_t *heap;
static uint64_t heap_words;

static uint64_t word(uint64_t pattern, uint64_t i)
{
    return (pattern + i) * 0x9e3779b97f4a7c15u;
}

/* As much of the heap as one allocation gets; it is kept for good. */
static void take_heap(void)
{
    for (heap_words = sconce_boot()->heap_bytes / 8; !heap && heap_words; heap_words -= 8192)
        heap = malloc(heap_words * 8);
}

__attribute__((noinline)) static void fill_stack(uint64_t pattern)
{
    uint64_t here[STACK_WORDS];

    for (uint64_t i = 0; i < STACK_WORDS; i++)
        here[i] = word(pattern, i);
    __asm__ volatile("" : : "r"(here) : "memory");
}

/* Fill data, bss, the heap and 16 KiB of stack. */
SCONCE_EXPORT(void, fill, (uint64_t pattern))
{
    if (!heap)
        take_heap();
    for (uint64_t i = 0; i < DATA_WORDS; i++) {
        data[i] = word(pattern, i);
        bss[i] = word(pattern, i + 1);
    }
    for (uint64_t i = 0; i < heap_words && heap; i++)
        heap[i] = word(pattern, i + 2);
    fill_stack(pattern);
}

/* How many words of data, bss and heap are not as fill(@pattern) left them. */
SCONCE_EXPORT(uint64_t, differing, (uint64_t pattern))
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < DATA_WORDS; i++)
        n += (uint64_t)(data[i] != word(pattern, i)) + (bss[i] != word(pattern, i + 1));
    for (uint64_t i = 0; i < heap_words && heap; i++)
        n += heap[i] != word(pattern, i + 2);
    return n;
}

static uint64_t sum_of(const volatile uint64_t *from, const volatile uint64_t *to)
{
    uint64_t sum = 0xcbf29ce484222325u;

    for (; from < to; from++)
        sum = (sum ^ *from) * 0x100000001b3u;
    return sum;
}

/* Checksums of data and bss, of the whole heap, and of the stack below its top 8 KiB; equal for
 * equal contents, however often one asks. */
SCONCE_EXPORT(const char *, checksums, (void))
{
    const struct sconce_boot *boot = sconce_boot();
    static char text[64]; /* neither on the heap nor in the arrays */
    uint64_t sums[3];

    sums[0] = sum_of(data, data + DATA_WORDS) ^ sum_of(bss, bss + DATA_WORDS);
    sums[1] = sum_of((const uint64_t *)boot->heap_addr,
                     (const uint64_t *)(boot->heap_addr + boot->heap_bytes));
    sums[2] = sum_of((const uint64_t *)(boot->stack_top - boot->stack_bytes),
                     (const uint64_t *)(boot->stack_top - STACK_SPARE));
    snprintf(text, sizeof text, "%016llx %016llx %016llx", (unsigned long long)sums[0],
             (unsigned long long)sums[1], (unsigned long long)sums[2]);
    return text;
}
