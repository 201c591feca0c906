/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the public interface's numbers, for messages and programs' output. */
#include <string.h>

#include <sconce/sconce.h>

const char *sconce_error_name(int32_t code)
{
    static const char *const names[] = {
        "ok",      "invalid",      "no-memory",    "system",      "config",      "no-backend",
        "backend", "guest-format", "no-function",  "type",        "no-import",   "state",
        "busy",    "forked",       "guest-failed", "guest-fault", "guest-abort", "guest-protocol",
        "limit",   "kicked",       "guest-exit",   "snapshot",
    };

    return code <= 0 && code > -(int32_t)(sizeof names / sizeof names[0]) ? names[-code]
                                                                          : "unknown";
}

const char *sconce_fault_name(uint32_t kind)
{
    static const char *const names[] = {
        "no",         "memory",      "illegal instruction",
        "privilege",  "arithmetic",  "floating point",
        "breakpoint", "single step", "alignment",
        "stack",      "other",
    };

    return kind < sizeof names / sizeof names[0] ? names[kind] : "other";
}

struct sconce_value sconce_string(const char *text)
{
    struct sconce_value value = {.type = SCONCE_TYPE_STRING};

    value.as.span.data = text ? text : "";
    value.as.span.length = text ? strlen(text) : 0;
    return value;
}
