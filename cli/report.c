/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

/* Longer than struct sconce_error's text and what is put in front of it. */
#define LINE_BYTES 1536u

static void put(const char *prefix, const char *format, va_list args)
{
    char text[LINE_BYTES];

    vsnprintf(text, sizeof text, format, args);
    fflush(stdout); /* keeps the order where both go to one place */
    fputs(prefix, stderr);
    text_put_indented(stderr, text);
    fputc('\n', stderr);
}

void report_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("sconce: ", format, args);
    va_end(args);
}

void report_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("sconce: ", format, args);
    va_end(args);
}

void report_hint(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("hint: ", format, args);
    va_end(args);
}

int report_usage(const struct command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("sconce: ", format, args);
    va_end(args);
    if (command)
        report_hint("sconce %s --help", command->name);
    else
        report_hint("sconce --help");
    return STATUS_USAGE;
}

int report_status(const struct sconce_error *err)
{
    switch (err->code) {
    case SCONCE_E_GUEST_FAILED:
    case SCONCE_E_GUEST_EXIT:
        return STATUS_GUEST_FAILED;
    case SCONCE_E_GUEST_FORMAT:
    case SCONCE_E_SNAPSHOT:
    case SCONCE_E_NO_FUNCTION:
    case SCONCE_E_TYPE:
    case SCONCE_E_NO_IMPORT:
        return STATUS_USAGE;
    case SCONCE_E_CONFIG:
        return STATUS_CONFIG;
    case SCONCE_E_NO_BACKEND:
        return STATUS_NO_BACKEND;
    case SCONCE_E_GUEST_FAULT:
    case SCONCE_E_GUEST_ABORT:
    case SCONCE_E_GUEST_PROTOCOL:
        return STATUS_GUEST_FAULT;
    case SCONCE_E_LIMIT:
    case SCONCE_E_KICKED:
        return STATUS_LIMIT;
    default:
        return STATUS_INTERNAL;
    }
}

static const char *access_name(uint32_t access)
{
    switch (access) {
    case SCONCE_ACCESS_READ:
        return "read";
    case SCONCE_ACCESS_WRITE:
        return "write";
    case SCONCE_ACCESS_EXEC:
        return "execute";
    default:
        return "unknown";
    }
}

static const char *limit_name(uint32_t limit)
{
    static const char *const names[] = {
        [SCONCE_LIMIT_DEADLINE] = "deadline", [SCONCE_LIMIT_HOST_CALLS] = "host-calls",
        [SCONCE_LIMIT_TRAPS] = "traps",       [SCONCE_LIMIT_OUTPUT] = "output",
        [SCONCE_LIMIT_MEMORY] = "memory",     [SCONCE_LIMIT_IO] = "io",
        [SCONCE_LIMIT_NESTING] = "nesting",
    };

    return limit < sizeof names / sizeof *names && names[limit] ? names[limit] : "unknown";
}

static void put_json(const struct sconce_error *err)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_open_object(&json, "error");
    json_text(&json, "code", sconce_error_name(err->code));
    json_text(&json, "text", err->text);
    json_text(&json, "hint", err->hint);
    if (err->code == SCONCE_E_GUEST_FAILED || err->code == SCONCE_E_GUEST_ABORT)
        json_i64(&json, "guest_code", err->guest_code);
    if (err->code == SCONCE_E_LIMIT)
        json_text(&json, "limit", limit_name(err->limit));
    if (err->fault.kind != 0) {
        json_open_object(&json, "fault");
        json_text(&json, "kind", sconce_fault_name(err->fault.kind));
        if (err->fault.kind == SCONCE_FAULT_MEMORY) {
            json_text(&json, "access", access_name(err->fault.access));
            json_hex(&json, "address", err->fault.address);
        }
        json_hex(&json, "pc", err->fault.pc);
        json_hex(&json, "detail", err->fault.detail);
        json_close_object(&json);
    }
    json_close_object(&json);
    json_close_object(&json);
}

int report_failure(const struct options *options, const struct sconce_error *err)
{
    report_error("%s", err->text[0] ? err->text : sconce_error_name(err->code));
    if (err->hint[0])
        report_hint("%s", err->hint);
    if (options && options->json)
        put_json(err);
    return report_status(err);
}

int report_refuse(const struct options *options, int code, const char *hint, const char *format,
                  ...)
{
    struct sconce_error err = {.code = code};
    va_list args;

    va_start(args, format);
    vsnprintf(err.text, sizeof err.text, format, args);
    va_end(args);
    snprintf(err.hint, sizeof err.hint, "%s", hint);
    report_failure(options, &err);
    return STATUS_USAGE;
}

static _Noreturn void end_without_memory(void)
{
    fputs("sconce: out of memory\n", stderr);
    exit(STATUS_INTERNAL);
}

static void *or_end(void *p)
{
    if (!p)
        end_without_memory();
    return p;
}

void *report_calloc(size_t count, size_t bytes)
{
    return or_end(calloc(count, bytes));
}

char *report_strdup(const char *text)
{
    return or_end(strdup(text));
}

FILE *report_memory(char **ret_text, size_t *ret_bytes)
{
    return or_end(open_memstream(ret_text, ret_bytes));
}

void report_memory_end(FILE *stream)
{
    bool whole = !ferror(stream);

    if (fclose(stream) != 0 || !whole)
        end_without_memory();
}
