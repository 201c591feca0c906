/* SPDX-License-Identifier: Apache-2.0 */
/* Runs rows, each in a child process, and keeps their results. */
#ifndef SCONCE_PLUGIN_CHECK_RUNNER_H
#define SCONCE_PLUGIN_CHECK_RUNNER_H

#include "tools/plugin-check/check.h"

struct check_result {
    const struct check_row *row;
    enum check_outcome outcome;
    char text[1024];
};

/** check_run_row - run one row. @seconds: after which it counts as hanging. @fork_it: false runs it
 * in this process, for a debugger. */
void check_run_row(const struct check_setup *setup, const struct check_row *row, unsigned seconds,
                   bool fork_it, struct check_result *ret_result);

/** check_run_probe - load and probe the backend in a child, and fill in what setup says of it. */
void check_run_probe(struct check_setup *setup);

#endif
