/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih asks for one line at a time and calls back for each key; this file hands it the lines, so it
 * knows where it is and sees each line before inih does. The only user of inih.
 */
#include "config/ini-file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/error.h"

#define FILE_MAX_BYTES (1024u * 1024)

/* inih cuts longer section names. */
#define SECTION_MAX 49u
#define BLANKS " \t\r\f\v"

struct source {
    const char *name;
    const char *at;
    const char *end;
    const struct sconce_ini_handler *handler;
    unsigned line; /* the one that inih was given last; from 1 */
    int failed;    /* the first failure's code; ends the reading */
    struct sconce_error *err;
};

static void fail(struct source *source, int r)
{
    source->failed = r;
    sconce_error_prefix(source->err, "%s:%u", source->name, source->line);
}

/* A "[section]" line, which @line starts with. */
static int check_section(struct source *source, const char *line)
{
    struct sconce_error *err = source->err;
    const char *close = strchr(line, ']');
    char section[SECTION_MAX + 1];
    const char *behind;
    size_t length;

    if (!close)
        return sconce_fail(err, SCONCE_E_CONFIG, "section without \"]\"");
    length = (size_t)(close - line) - 1;
    if (length > SECTION_MAX)
        return sconce_fail(err, SCONCE_E_CONFIG, "section name longer than %u characters",
                           SECTION_MAX);
    behind = close + 1 + strspn(close + 1, BLANKS);
    if (*behind && *behind != ';' && *behind != '#')
        return sconce_fail_hint(err, SCONCE_E_CONFIG, "put it on a line of its own",
                                "\"%s\" behind a section", behind);
    memcpy(section, line + 1, length);
    section[length] = '\0';
    return source->handler->section(source->handler->ctx, section, source->line, err);
}

static int check_line(struct source *source, const char *line, size_t length)
{
    if (source->line == 1 && (!strncmp(line, "\xef\xbb\xbf", 3) || !strncmp(line, "\xff\xfe", 2) ||
                              !strncmp(line, "\xfe\xff", 2)))
        return sconce_fail_hint(source->err, SCONCE_E_CONFIG,
                                "save it as UTF-8 without a byte-order mark",
                                "the file begins with a byte-order mark");
    if (memchr(line, '\0', length))
        return sconce_fail(source->err, SCONCE_E_CONFIG, "the line holds a NUL byte");
    return line[0] == '[' ? check_section(source, line) : 0;
}

/* inih's fgets: one line into @to, without the blanks before it, which would make it a continuation
 * of the line before. NULL ends the reading. */
static char *give_line(char *to, int room, void *ctx)
{
    struct source *source = ctx;
    const char *start = source->at;
    const char *end;
    size_t length;
    int r;

    if (source->failed || start == source->end)
        return NULL;
    end = memchr(start, '\n', (size_t)(source->end - start));
    if (!end)
        end = source->end;
    source->at = end < source->end ? end + 1 : end;
    source->line++;
    while (start < end && strchr(BLANKS, *start) && *start)
        start++;
    length = (size_t)(end - start);
    /* inih takes a full buffer for a line that goes on. */
    if (length + 3 > (size_t)room) {
        fail(source, sconce_fail(source->err, SCONCE_E_CONFIG,
                                 "the line is longer than %d characters", room - 3));
        return NULL;
    }
    memcpy(to, start, length);
    to[length] = '\0';
    r = check_line(source, to, length);
    if (r < 0) {
        fail(source, r);
        return NULL;
    }
    return to;
}

static int take_value(void *ctx, const char *section, const char *key, const char *value)
{
    struct source *source = ctx;
    int r;

    if (source->failed)
        return 0;
    if (*key)
        r = source->handler->value(source->handler->ctx, section, key, value ? value : "",
                                   source->line, source->err);
    else
        r = sconce_fail(source->err, SCONCE_E_CONFIG, "a key is missing before \"=\"");
    if (r < 0)
        fail(source, r);
    return r == 0;
}

int sconce_ini_parse(const char *name, const char *data, size_t bytes,
                     const struct sconce_ini_handler *handler, struct sconce_error *err)
{
    struct sconce_error own = {0}; /* prefixes need a text, wanted or not */
    struct source source = {
        .name = name, .at = data, .end = data + bytes, .handler = handler, .err = err ? err : &own};
    int line = ini_parse_stream(give_line, &source, take_value, &source);

    /* What inih itself finds wrong it only counts. It may come before what we found. */
    if (line > 0 && (!source.failed || (unsigned)line < source.line))
        return sconce_fail(err, SCONCE_E_CONFIG, "%s:%d: neither \"key = value\" nor \"[section]\"",
                           name, line);
    if (line < 0 && !source.failed)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    return source.failed;
}

/* The whole file in one malloc'd block; pipes included. */
static int slurp(const char *path, char **ret_data, size_t *ret_bytes, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    SCONCE_CLEANUP(sconce_cleanup_free) char *data = NULL;
    size_t used = 0;
    ssize_t got;

    if (fd < 0)
        return sconce_fail_errno(err, SCONCE_E_CONFIG, errno, "cannot open %s", path);
    data = malloc(FILE_MAX_BYTES + 1);
    if (!data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    do {
        got = read(fd, data + used, FILE_MAX_BYTES + 1 - used);
        if (got > 0)
            used += (size_t)got;
    } while ((got > 0 && used <= FILE_MAX_BYTES) || (got < 0 && errno == EINTR));
    if (got < 0)
        return sconce_fail_errno(err, SCONCE_E_CONFIG, errno, "cannot read %s", path);
    if (used > FILE_MAX_BYTES)
        return sconce_fail(err, SCONCE_E_CONFIG, "%s is larger than %u bytes", path,
                           FILE_MAX_BYTES);
    *ret_data = SCONCE_STEAL(data);
    *ret_bytes = used;
    return 0;
}

int sconce_ini_read(const char *path, const struct sconce_ini_handler *handler, bool *ret_empty,
                    struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *data = NULL;
    size_t bytes = 0;
    int r = slurp(path, &data, &bytes, err);

    if (r < 0)
        return r;
    if (ret_empty)
        *ret_empty = bytes == 0;
    return sconce_ini_parse(path, data, bytes, handler, err);
}
