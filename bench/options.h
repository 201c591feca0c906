/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#ifndef SCONCE_BENCH_OPTIONS_H
#define SCONCE_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "measure.h"

#define OPTIONS_MOST_SETTINGS 16u
#define OPTIONS_ANY_CPU (-1)
#define OPTIONS_SWEEP_ALL "all"

/* What a benchmark ends with; those of sconce(1) where it has them. */
#define STATUS_OK 0
#define STATUS_FAILED 1
#define STATUS_USAGE 2
#define STATUS_NO_BACKEND 4
#define STATUS_NO_FLOOR 77 /* there is none, or this machine does not let it run: skipped */

struct options {
    const char *program;
    const char *backend; /* NULL: all that have a floor and can be used */
    const char *only;    /* pattern of rows' names; NULL: all but those on request */
    const char *sweep; /* rows that are drawn against this, or OPTIONS_SWEEP_ALL; NULL: none more */
    const char *plugin_dir;
    const char *settings[OPTIONS_MOST_SETTINGS]; /* "KEY=VALUE" */
    size_t setting_count;
    int cpu; /* that all run on, or OPTIONS_ANY_CPU */
    bool json;
    struct measure_plan plan; /* 0: each row's own */
};

/**
 * options_parse - @options holds the defaults; strings are borrowed from @argv.
 * Returns true, or false and the status to end with (0 after --help).
 */
bool options_parse(int argc, char **argv, struct options *options, int *ret_status);

/**
 * options_pin - put this process, and whom it starts, on the processor that was asked for.
 * Without one, on the last that it may use, which is then put into @options.
 */
int options_pin(struct options *options);

/** options_pin_other - put the calling thread on another processor that this process was allowed
 * to run on before options_pin, if there is one and if that was asked for one. */
void options_pin_other(void);

/** options_unpin, options_pin_back - the calling thread may run wherever it could before
 * options_pin, and where that put it again. */
void options_unpin(void);
void options_pin_back(void);

#endif
