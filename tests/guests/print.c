/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing. All calls succeed unless a limit says otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(void, host_nothing, (void));

/* The text as it is, in as few pieces as possible. */
SCONCE_EXPORT(void, print_text, (const char *text))
{
    printf("%s", text);
}

/* "line 0\n" to "line N-1\n", each a PRINT of its own. */
SCONCE_EXPORT(void, print_lines, (uint32_t lines))
{
    for (uint32_t i = 0; i < lines; i++)
        printf("line %u\n", i);
}

/* @bytes times 'x' without a newline: LIMIT (output) when that is more than limits.output_bytes. */
SCONCE_EXPORT(void, print_bytes, (uint64_t bytes))
{
    for (uint64_t i = 0; i < bytes; i++)
        putchar('x');
}

/* "before " is printed before the host function is called, "after" before the call returns. */
SCONCE_EXPORT(void, print_around_host, (void))
{
    printf("before ");
    host_nothing();
    printf("after");
}

/* Prints "last words\n" before GUEST_ABORT. */
SCONCE_EXPORT(void, print_then_abort, (void))
{
    puts("last words");
    sconce_abort("done");
}

/* "ä" 5,000 times: no character is split between two PRINTs. */
SCONCE_EXPORT(void, print_two_byte_characters, (void))
{
    for (int i = 0; i < 5000; i++)
        printf("%s%s", i ? "" : "x", "ä");
}

/* One line that shows every conversion. */
SCONCE_EXPORT(sconce_str, conversions, (void))
{
    return sconce_format(
        "%d|%i|%u|%x|%X|%c|%s|%%|%5d|%-5d|%05d|%.2s|%*d|%lld|%zu|%hhd|%hu|%p|%5s|%-"
        "5s|%.*s|%016llx",
        -1, 2, 3u, 0xabu, 0xCDu, 'c', "str", 42, 42, -42, "cut", 4, 7, -9223372036854775807ll - 1,
        (size_t)18446744073709551615ull, (signed char)-1, (unsigned short)65535, (void *)0x10, "ab",
        "ab", 3, "abcdef", 0x123456789abcdefull);
}

/* snprintf cuts, terminates and says how long the whole would be: "abc/6/". */
SCONCE_EXPORT(sconce_str, cut, (void))
{
    char small[4], none[1] = {'?'};
    int whole = snprintf(small, sizeof small, "%s", "abcdef");
    int empty = snprintf(none, sizeof none, "%d", 12345);

    return sconce_format("%s/%d/%s/%d/%d", small, whole, none, empty, snprintf(NULL, 0, "%d", 10));
}
