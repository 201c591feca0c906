/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of every theme use: outcomes, and the count of what the process holds. */
#include "tools/plugin-check/check.h"

#include <dirent.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_text(struct check *check, const char *format, va_list args)
{
    vsnprintf(check->text, sizeof check->text, format, args);
}

enum check_outcome check_fail(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_text(check, format, args);
    va_end(args);
    return CHECK_FAIL;
}

enum check_outcome check_skip(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_text(check, format, args);
    va_end(args);
    return CHECK_SKIP;
}

enum check_outcome check_note(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_text(check, format, args);
    va_end(args);
    return CHECK_OK;
}

static unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3; /* ".", "..", and the directory itself */
}

/* A sanitizer's allocator maps memory as it goes: then only what has a file behind it counts, as
 * guest memory, devices and vCPUs have. */
#if defined(__SANITIZE_ADDRESS__)
#define ANONYMOUS_COUNT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ANONYMOUS_COUNT false
#endif
#endif
#ifndef ANONYMOUS_COUNT
#define ANONYMOUS_COUNT true
#endif

static unsigned count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned count = 0;
    char line[512];

    if (!maps)
        return 0;
    while (fgets(line, sizeof line, maps)) {
        const char *field = line;

        /* address, permissions, offset, device, inode, name: proc(5) */
        for (int i = 0; i < 4; i++)
            field += strcspn(field, " ") + 1;
        count += ANONYMOUS_COUNT || strtoul(field, NULL, 10) != 0;
    }
    fclose(maps);
    return count;
}

struct check_holdings check_count(void)
{
    struct check_holdings holdings;

    /* Count with the heap trimmed: what free() keeps for later is no leak. */
    malloc_trim(0);
    holdings.heap_bytes = mallinfo2().uordblks;
    holdings.fds = count_fds();
    holdings.mappings = count_mappings();
    return holdings;
}

const char *check_text_problem(const char *text, size_t room)
{
    size_t length = strnlen(text, room);

    if (length == room)
        return "its text does not end";
    if (length == 0)
        return "its text is empty";
    if (text[length - 1] == '.' || text[length - 1] == '\n')
        return "its text ends with a full stop or a line end";
    return NULL;
}
