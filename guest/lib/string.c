/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <string.h>. Compiled with -fno-builtin, so that no loop here becomes a call of itself.
 */
#include <string.h>

#include "internal.h"

/* Eight bytes anywhere: compilers make one unaligned access of it. */
typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

/* From so many on it pays to have the processor copy, where it has an instruction for that. */
#define LARGE 1024u

/* The whole words of @bytes, as fast as the cache gives them (Intel's optimization manual 3.7.6);
 * returns how many bytes that was. 0: this architecture has no such instruction. */
static inline size_t copy_large(unsigned char *to, const unsigned char *from, size_t bytes)
{
#ifdef __x86_64__
    size_t words = bytes / 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    return bytes & ~(size_t)7;
#else
    (void)to, (void)from, (void)bytes;
    return 0;
#endif
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (bytes >= LARGE) {
        size_t done = copy_large(t, f, bytes);

        t += done;
        f += done;
        bytes -= done;
    }
    for (; bytes >= 32; bytes -= 32, t += 32, f += 32) {
        uint64_t a = ((const any_word *)f)[0], b = ((const any_word *)f)[1];
        uint64_t c = ((const any_word *)f)[2], d = ((const any_word *)f)[3];

        ((any_word *)t)[0] = a;
        ((any_word *)t)[1] = b;
        ((any_word *)t)[2] = c;
        ((any_word *)t)[3] = d;
    }
    for (; bytes >= 8; bytes -= 8, t += 8, f += 8)
        *(any_word *)t = *(const any_word *)f;
    while (bytes--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = (unsigned char *)to + bytes;
    const unsigned char *f = (const unsigned char *)from + bytes;

    /* Upwards each step reads all that it writes over later, unless @to lies inside the source. */
    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        t = to;
        f = from;
        for (; bytes >= 8; bytes -= 8, t += 8, f += 8)
            *(any_word *)t = *(const any_word *)f;
        while (bytes--)
            *t++ = *f++;
        return to;
    }
    for (; bytes >= 8; bytes -= 8) {
        t -= 8;
        f -= 8;
        *(any_word *)t = *(const any_word *)f;
    }
    while (bytes--)
        *--t = *--f;
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    unsigned char *t = to;
    uint64_t word = 0x0101010101010101u * (unsigned char)byte;

    for (; bytes >= 32; bytes -= 32, t += 32) {
        ((any_word *)t)[0] = word;
        ((any_word *)t)[1] = word;
        ((any_word *)t)[2] = word;
        ((any_word *)t)[3] = word;
    }
    for (; bytes >= 8; bytes -= 8, t += 8)
        *(any_word *)t = word;
    while (bytes--)
        *t++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;

    for (; bytes >= 8 && *(const any_word *)x == *(const any_word *)y; bytes -= 8, x += 8, y += 8)
        ;
    for (; bytes; bytes--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *memory, int byte, size_t bytes)
{
    const unsigned char *m = memory;

    for (; bytes; bytes--, m++)
        if (*m == (unsigned char)byte)
            return (void *)(uintptr_t)m;
    return NULL;
}

size_t strlen(const char *text)
{
    const char *end = text;

    while (*end)
        end++;
    return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t limit)
{
    size_t bytes = 0;

    while (bytes < limit && text[bytes])
        bytes++;
    return bytes;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit && *a && *a == *b; a++, b++, limit--)
        ;
    return limit ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *text, int c)
{
    for (; *text != (char)c; text++)
        if (!*text)
            return NULL;
    return (char *)(uintptr_t)text;
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;

    do {
        if (*text == (char)c)
            found = text;
    } while (*text++);
    return (char *)(uintptr_t)found;
}

char *strstr(const char *text, const char *part)
{
    size_t bytes = strlen(part);

    for (;; text++) {
        if (!strncmp(text, part, bytes))
            return (char *)(uintptr_t)text;
        if (!*text)
            return NULL;
    }
}
