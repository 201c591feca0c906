/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State that a snapshot has to bring back: in data, in bss and on the heap. All calls succeed.
 */
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

static uint64_t calls = 100; /* data */
static int64_t total;        /* bss */
static char *kept;           /* heap */

/* 101, 102, 103, ... */
SCONCE_EXPORT(uint64_t, next, (void))
{
    return ++calls;
}

/* The sum of all that was added. */
SCONCE_EXPORT(int64_t, add, (int64_t value))
{
    return total += value;
}

SCONCE_EXPORT(void, keep, (const char *text))
{
    size_t bytes = strlen(text) + 1;

    free(kept);
    kept = malloc(bytes);
    if (kept)
        memcpy(kept, text, bytes);
}

/* What was kept last, "" when nothing was. */
SCONCE_EXPORT(const char *, kept_text, (void))
{
    return kept;
}
