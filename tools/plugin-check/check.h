/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce-plugin-check: rows of the contract and of behaviour, run against one backend. A row is one
 * claim with one function; check-*.c hold them by theme, and a new backend adds rows, not programs.
 *
 * Each row runs in a child process of its own: a crash, a hang or a leak is that row's result.
 */
#ifndef SCONCE_PLUGIN_CHECK_H
#define SCONCE_PLUGIN_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/sconce.h>

#include "sconce-plugin.h"

enum check_outcome { CHECK_OK, CHECK_FAIL, CHECK_SKIP };

/* What a row needs of the backend; without it the row is skipped, and says why. */
#define CHECK_NEEDS_PROBE 1u  /* the backend can be used on this machine */
#define CHECK_NEEDS_CODE 2u   /* it runs guest code: not SCONCE_CAP_SCRIPTED */
#define CHECK_NEEDS_GUESTS 4u /* the guests of this check are at hand */
#define CHECK_NEEDS_REGS 8u   /* it offers sconce.regs/1 */
#define CHECK_NEEDS_FAULT 16u /* it offers sconce.fault/1 */
#define CHECK_NEEDS_DIRTY 32u /* it offers sconce.dirty/1 */
/* Guest code in sandboxes of this check's guests. */
#define CHECK_NEEDS_SANDBOX (CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE | CHECK_NEEDS_GUESTS)

/* What is checked, and with what. Fixed before the first row runs. */
struct check_setup {
    const char *path;       /* of the plugin; absolute */
    const char *plugin_dir; /* that it is in */
    const char *name;       /* of its file: sconce-backend-NAME.so */
    const char *guest_dir;  /* where the ELF files of guests for its architecture are */
    const char *interposer; /* path of the fail-nth interposer, "" when it is not there */
    struct sconce_config *config;
    const char *const *needed; /* libraries that the plugin may need beside libc; NULL-terminated */
    unsigned sandboxes;        /* how many the leak rows make */
    unsigned kicks;            /* how many the race row sends */
    unsigned frames;           /* how many each row of lies sends */
    unsigned deadline_ms;      /* of guests that do not end by themselves */

    bool usable;        /* probe succeeded */
    bool misconfigured; /* it refuses a setting of the configuration */
    bool has_regs;
    bool has_fault;
    bool has_dirty;
    bool has_guests;
    bool is_process;  /* its guests are processes: what the kernel does to any it does to them */
    uint32_t machine; /* ELF e_machine of its guests */
    struct sconce_probe probe; /* when usable */
    char problem[1024];        /* why it is not usable */
};

/* A row that is running. */
struct check {
    const struct check_setup *setup;
    char text[1024]; /* why it failed or was skipped, or what it measured; "" for nothing */
};

struct check_row {
    const char *id;    /* "map.overlap" */
    const char *title; /* the claim, as a sentence without a full stop */
    uint32_t needs;    /* CHECK_NEEDS_* */
    enum check_outcome (*run)(struct check *check);
};

/* Each ends with a row without id. */
extern const struct check_row check_file_rows[];
extern const struct check_row check_load_rows[];
extern const struct check_row check_memory_rows[];
extern const struct check_row check_contract_rows[];
extern const struct check_row check_exits_rows[];
extern const struct check_row check_scrub_rows[];
extern const struct check_row check_types_rows[];
extern const struct check_row check_misuse_rows[];
extern const struct check_row check_faults_rows[];
extern const struct check_row check_syscalls_rows[];
extern const struct check_row check_syscalls_host_rows[];
extern const struct check_row check_callbacks_rows[];
extern const struct check_row check_libc_rows[];
extern const struct check_row check_dirty_rows[];
extern const struct check_row check_handler_rows[];
extern const struct check_row check_privilege_rows[];
extern const struct check_row check_frames_rows[];
extern const struct check_row check_limits_rows[];
extern const struct check_row check_nested_rows[];
extern const struct check_row check_nested_ends_rows[];
extern const struct check_row check_snapshot_rows[];
extern const struct check_row check_share_rows[];
extern const struct check_row check_pool_rows[];
extern const struct check_row check_window_rows[];
extern const struct check_row check_window_refused_rows[];
extern const struct check_row check_kick_rows[];
extern const struct check_row check_counts_rows[];
extern const struct check_row check_exitless_rows[];
extern const struct check_row check_leaks_rows[];
extern const struct check_row check_fail_nth_rows[];

/** check_fail, check_skip, check_note - set the text and return the outcome: return
 * check_fail(...). check_note is CHECK_OK with something to tell. */
enum check_outcome check_fail(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum check_outcome check_skip(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum check_outcome check_note(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails the row that this stands in unless @condition holds. What it leaves behind is cleaned up by
 * SCONCE_CLEANUP. */
#define CHECK(check, condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return check_fail(check, __VA_ARGS__);                                                 \
    } while (0)

/* Passes on the outcome of a helper that may have failed the row. */
#define CHECK_STEP(expression)                                                                     \
    do {                                                                                           \
        enum check_outcome outcome_ = (expression);                                                \
        if (outcome_ != CHECK_OK)                                                                  \
            return outcome_;                                                                       \
    } while (0)

/* What a process holds, for rows that must leave nothing behind. */
struct check_holdings {
    unsigned fds;
    unsigned mappings;
    size_t heap_bytes;
};

/** check_count - what this process holds now. */
struct check_holdings check_count(void);

/** check_text_problem - what is wrong with an error's text, or NULL: it must say something, in one
 * or more lines without a final full stop. */
const char *check_text_problem(const char *text, size_t room);

#endif
