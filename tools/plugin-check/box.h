/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox for rows about behaviour: everything through <sconce/sconce.h>, as an embedding program
 * has it. The guests are those of tests/guests; each of their exports says what it must come to.
 */
#ifndef SCONCE_PLUGIN_CHECK_BOX_H
#define SCONCE_PLUGIN_CHECK_BOX_H

#include <string.h>

#include "tools/plugin-check/check.h"

struct check_box {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
    struct sconce_snapshot *start; /* taken at the first READY; NULL until check_box_keep_start */
    struct sconce_error err;       /* of the last call */
    struct sconce_value result;    /* of the last call that succeeded */
    uint64_t printed_bytes;        /* by the guest, since it was last cleared */
    char printed[256];             /* the first of them, with a NUL behind */
    uint64_t served;               /* host functions */
    /* Changes the options of sandboxes that are made, when not NULL. */
    void (*choose)(struct check_box *box, struct sconce_sandbox_options *options);
    void (*on_nothing)(struct check_box *box); /* what host_nothing does, when not NULL */
    /* What host_again does; NULL: fails. */
    int (*on_again)(struct check_box *box, uint32_t what, const struct sconce_value *text,
                    struct sconce_value *ret, struct sconce_error *err);
    void *ctx; /* for these */
};

/** check_box_load - runtime and guest. @file: in the check's guest directory. */
enum check_outcome check_box_load(struct check *check, struct check_box *box, const char *file);

/** check_box_new - a sandbox with every host function there is; returns sconce_sandbox_new's code.
 * @limits: NULL for the configuration's. */
int check_box_new(struct check_box *box, const struct sconce_limits *limits,
                  struct sconce_sandbox **ret_sandbox);

/** check_box_pool - the same for a pool of such sandboxes. @options: all but the sandboxes'. */
int check_box_pool(struct check_box *box, const struct sconce_limits *limits,
                   struct sconce_pool_options *options, struct sconce_pool **ret_pool);

/** check_box_open - both; must succeed. */
enum check_outcome check_box_open(struct check *check, struct check_box *box, const char *file,
                                  const struct sconce_limits *limits);

/** check_box_close - a clean-up function; takes a zeroed one. */
void check_box_close(struct check_box *box);

/* ---- calls ---- */

/* The arguments of a call: WITH(check_u64(1), sconce_string("x")), or WITHOUT. */
#define WITH(...)                                                                                  \
    (const struct sconce_value[]){__VA_ARGS__},                                                    \
        sizeof((const struct sconce_value[]){__VA_ARGS__}) / sizeof(struct sconce_value)
#define WITHOUT NULL, 0

/** check_call - call the box's sandbox; returns the code, sets err and result. */
int check_call(struct check_box *box, const char *function, const struct sconce_value *args,
               size_t arg_count);

/** check_call_done - the call must succeed. */
enum check_outcome check_call_done(struct check *check, struct check_box *box, const char *function,
                                   const struct sconce_value *args, size_t arg_count);

/** check_call_ends - the call must end with @code, which is no success, and a text; the sandbox is
 * then in @state. */
enum check_outcome check_call_ends(struct check *check, struct check_box *box, int code,
                                   uint32_t state, const char *function,
                                   const struct sconce_value *args, size_t arg_count);

/** check_error - box->err is of @code and has a text that keeps to the rules. */
enum check_outcome check_error(struct check *check, const struct sconce_error *err, int code,
                               const char *what);

/** check_box_keep_start - snapshot the sandbox as it is now. */
enum check_outcome check_box_keep_start(struct check *check, struct check_box *box);

/** check_box_recover - after a bad end: further calls are refused, restoring the start works, and
 * the sandbox is READY again. */
enum check_outcome check_box_recover(struct check *check, struct check_box *box);

/** check_fill_registers - in a guest with registers.c: every register full that it can write.
 * @ret_classes: of these registers. check-scrub.c. */
enum check_outcome check_fill_registers(struct check *check, struct check_box *box,
                                        uint32_t *ret_classes);

/* ---- values ---- */

static inline struct sconce_value check_none(void)
{
    return (struct sconce_value){.type = SCONCE_TYPE_NONE};
}

static inline struct sconce_value check_bool(bool v)
{
    return (struct sconce_value){.type = SCONCE_TYPE_BOOL, .as.boolean = v};
}

static inline struct sconce_value check_u32(uint32_t v)
{
    return (struct sconce_value){.type = SCONCE_TYPE_U32, .as.u32 = v};
}

static inline struct sconce_value check_u64(uint64_t v)
{
    return (struct sconce_value){.type = SCONCE_TYPE_U64, .as.u64 = v};
}

/* Floating-point values by their bits: what a register does to a NaN must not be ours. */
struct sconce_value check_f32(uint32_t bits);
struct sconce_value check_f64(uint64_t bits);

/** check_text - a string of @length bytes. */
static inline struct sconce_value check_text(const void *data, size_t length)
{
    struct sconce_value r = sconce_bytes(data, length);

    r.type = SCONCE_TYPE_STRING;
    return r;
}

/** check_same - equal in type and in every bit. */
bool check_same(const struct sconce_value *a, const struct sconce_value *b);

/** check_tell - values as the guests' mixed functions tell theirs: "1,-2,3,..."; floating-point
 * numbers as their bits in hexadecimal, bytes in hexadecimal. */
void check_tell(const struct sconce_value *values, size_t count, char *text, size_t room);

/** check_is_text - a string of exactly this text. */
bool check_is_text(const struct sconce_value *value, const char *text);

#endif
