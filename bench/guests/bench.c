/* SPDX-License-Identifier: Apache-2.0 */
/* The guest of the benchmarks: a function for each thing that a call can cost. */
#include <sconce/guest.h>

#include "../work/work.h"

#define PAGE 4096u
#define MOST_PAGES 1024u
#define REPLY_BYTES 8192u

static _Alignas(PAGE) unsigned char pages[MOST_PAGES][PAGE];
static const unsigned char reply[REPLY_BYTES] = {1};

/* A call costs a call. */
SCONCE_EXPORT(void, nothing, (void))
{
}

SCONCE_IMPORT(void, host, (void));

SCONCE_EXPORT(void, ask, (void))
{
    host();
}

/* Looks at the ends alone: what the guest does with them is not the call's. */
SCONCE_EXPORT(sconce_bytes, exchange, (sconce_bytes given))
{
    const unsigned char *bytes = given.data;

    if (!given.length || bytes[0] != 1 || bytes[given.length - 1] != 2)
        sconce_fail(1, "%zu bytes came, or others", given.length);
    return (sconce_bytes){reply, sizeof reply};
}

static uint32_t at_most(uint32_t count)
{
    return count < MOST_PAGES ? count : MOST_PAGES;
}

/* Writes all of @count pages; another @seed, other bytes. */
SCONCE_EXPORT(void, fill, (uint32_t count, uint32_t seed))
{
    for (uint32_t i = 0; i < at_most(count); i++)
        for (uint32_t at = 0; at < PAGE; at++)
            pages[i][at] = (unsigned char)(seed + i * 7 + at * 13 + (at >> 8));
}

/* Writes a word of each of @count pages. */
SCONCE_EXPORT(void, dirty, (uint32_t count, uint32_t word))
{
    for (uint32_t i = 0; i < at_most(count); i++)
        *(volatile uint32_t *)(void *)(pages[i] + (word % 1024) * 4) = word;
}

SCONCE_EXPORT(uint64_t, checksum, (uint32_t count))
{
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a, by words */

    for (uint32_t i = 0; i < at_most(count); i++)
        for (uint32_t at = 0; at < PAGE; at += 8)
            sum = (sum ^ *(const uint64_t *)(const void *)(pages[i] + at)) * 0x100000001b3u;
    return sum;
}

/* Tells the host that it is about to, and then computes until it is kicked. */
SCONCE_EXPORT(void, spin, (void))
{
    host();
    for (;;)
        __asm__ volatile("");
}

SCONCE_EXPORT(uint64_t, compute_int, (uint32_t turns))
{
    return work_int(turns);
}

SCONCE_EXPORT(uint64_t, compute_sha256, (uint32_t turns))
{
    return work_sha256(turns);
}

SCONCE_EXPORT(uint64_t, compute_avx, (uint32_t turns))
{
    return work_avx(turns);
}

SCONCE_EXPORT(uint64_t, compute_memcpy, (uint32_t turns))
{
    return work_memcpy(turns);
}
