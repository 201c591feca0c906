/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up: every export is GUEST_ABORT with the text that its comment gives.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

/* The text itself, code 1. */
SCONCE_EXPORT(void, abort_with, (const char *text))
{
    sconce_abort("%s", text);
}

/* "abort() was called" */
SCONCE_EXPORT(void, call_abort, (void))
{
    abort();
}

/* "...abort.c:N: assert_that: assertion failed: truth"; succeeds when true. */
SCONCE_EXPORT(void, assert_that, (bool truth))
{
    assert(truth);
}

__attribute__((noinline)) static void copy_into_16(const char *text, size_t bytes)
{
    char small[16];

    memcpy(small, text, bytes);
    __asm__ volatile("" : : "r"(small) : "memory");
}

/* "stack smashing detected" when the text is longer than 16 bytes; succeeds when not. */
SCONCE_EXPORT(void, smash_stack, (sconce_str text))
{
    copy_into_16(text.data, text.length);
}

/* A text of @bytes times 'x', of which the first 511 arrive. */
SCONCE_EXPORT(void, abort_at_length, (uint32_t bytes))
{
    char *text = malloc(bytes + 1ul);

    memset(text, 'x', bytes);
    text[bytes] = '\0';
    sconce_abort("%s", text);
}
