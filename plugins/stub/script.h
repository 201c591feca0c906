/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stub script as data: the parsed steps, immutable and shared by every VM that plays them. Knows
 * the script's language and nothing of VMs.
 */
#ifndef SCONCE_STUB_SCRIPT_H
#define SCONCE_STUB_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/plugin-error.h"
#include "sconce-guest-abi.h"
#include "sconce-plugin.h"

/* A failure that is nobody's but ours: no foreign code, no hint. */
#define stub_fail(err, status, ...)                                                                \
    sconce_plugin_fail(err, status, SCONCE_DOMAIN_NONE, 0, NULL, __VA_ARGS__)

/* Files larger than this are not scripts. */
#define STUB_SCRIPT_MAX_BYTES (4u << 20)

enum stub_verb {
    /* where the script goes on */
    STUB_GOTO,
    STUB_REPEAT,
    /* frames into OUT, then the doorbell that announces them */
    STUB_FRAME,
    /* OUT byte by byte, and a doorbell alone */
    STUB_OUT,
    STUB_DOORBELL,
    /* what the core must have done */
    STUB_EXPECT_FRAME,
    STUB_EXPECT_IN,
    STUB_EXPECT_RESULT,
    /* every other exit */
    STUB_SYSCALL,
    STUB_FAULT,
    STUB_DEBUG,
    STUB_CANCELLED,
    STUB_WAIT_KICK,
    STUB_SHUTDOWN,
    STUB_SYSTEM_FAILURE,
    STUB_EXIT,
    STUB_ERROR,
};

/* Where a value comes from. */
enum stub_source {
    STUB_LITERAL,
    STUB_ARG,   /* slot @bits of the CALL that IN holds */
    STUB_REPLY, /* slot 0 of the answer to the last host-call */
};

struct stub_value {
    enum stub_source source;
    uint32_t type;       /* SCONCE_TYPE_* of a literal */
    uint32_t length;     /* of string and bytes */
    uint64_t bits;       /* of all else */
    const uint8_t *data; /* of string and bytes; borrowed from the script */
};

struct stub_text {
    const char *data; /* borrowed from the script; not NUL-terminated */
    uint32_t length;
};

struct stub_step {
    enum stub_verb verb;
    uint32_t line;

    uint32_t target; /* GOTO, REPEAT: the step that comes next */
    uint32_t times;  /* REPEAT: 0 for ever */

    uint32_t frame_kind; /* FRAME, EXPECT_FRAME: SCONCE_FRAME_* */
    uint32_t index;      /* of the export or import */
    int32_t code;        /* of a failure */
    bool silent;         /* FRAME: write it, ring no doorbell */
    uint32_t doorbell;   /* FRAME, DOORBELL */
    bool nested;         /* EXPECT_FRAME: a call where the answer was due */
    bool more;           /* EXPECT_FRAME: values behind those given are welcome */
    uint32_t value_count;
    struct stub_value values[SCONCE_MAX_PARAMS];

    uint64_t offset;       /* OUT, EXPECT_IN */
    struct stub_text text; /* OUT, EXPECT_IN: the bytes; SYSTEM_FAILURE, ERROR: the message */
    int64_t number;        /* EXPECT_RESULT, SYSTEM_FAILURE, EXIT, ERROR */
    union {
        struct sconce_exit_syscall syscall;
        struct sconce_exit_fault fault;
    } exit;
};

#define STUB_NO_STEP UINT32_MAX

struct stub_script {
    _Atomic uint32_t refs;
    char *path; /* for messages; owned */
    char *text; /* the file, which values and texts point into; owned */
    struct stub_step *steps;
    uint32_t step_count;
    uint32_t on_reset; /* where vcpu_reset goes on, or STUB_NO_STEP */
};

/** stub_script_load - read and parse a script file. Errors tell file:line. */
int32_t stub_script_load(const char *path, struct stub_script **ret_script,
                         struct sconce_plugin_error *err);

/** stub_script_parse - the same from @bytes bytes at @text; @name is for messages. */
int32_t stub_script_parse(const char *text, size_t bytes, const char *name,
                          struct stub_script **ret_script, struct sconce_plugin_error *err);

/** stub_script_free - takes NULL. */
void stub_script_free(struct stub_script *script);

/* parse.c, for script.c */

struct stub_token {
    char *text;      /* decoded in place, NUL-terminated */
    uint32_t length; /* of a quoted text, which may hold NUL */
    bool quoted;
};

#define STUB_MAX_TOKENS 48u /* "expect call N" and 16 values of two words, and to spare */

/** stub_split - the tokens of one line, decoded in place. Comments are left out. Returns how many,
 * or -1 and what is wrong with the line. */
int stub_split(char *line, struct stub_token tokens[STUB_MAX_TOKENS], const char **ret_problem);

/** stub_number - an integer in [min, max], decimal, 0x or 0. */
bool stub_number(const struct stub_token *token, int64_t min, int64_t max, int64_t *ret);

/** stub_unsigned - the same for all 64 bits; a minus sign is refused. */
bool stub_unsigned(const struct stub_token *token, uint64_t max, uint64_t *ret);

/** stub_hex - decode a word of hexadecimal digits in place; a quoted text is taken as it is. */
bool stub_hex(struct stub_token *token);

/** stub_parse_value - a VALUE from the tokens at *@at, which moves behind it. Returns NULL or what
 * is wrong. */
const char *stub_parse_value(struct stub_token *tokens, uint32_t count, uint32_t *at,
                             struct stub_value *ret_value);

#endif
