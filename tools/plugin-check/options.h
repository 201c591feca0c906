/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sconce-plugin-check. */
#ifndef SCONCE_PLUGIN_CHECK_OPTIONS_H
#define SCONCE_PLUGIN_CHECK_OPTIONS_H

#include "tools/plugin-check/check.h"

#define EXIT_PASSED 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_UNUSABLE 77 /* what meson and automake take for "skipped" */

#define CHECK_MAX_NEEDED 16u
#define CHECK_MAX_TARGETS 16u

struct check_options {
    char *const *targets; /* NAMEs and PATHs */
    size_t target_count;
    const char *plugin_dir;
    const char *guest_dir;
    const char *interposer;
    const char *only;
    const char *needed[CHECK_MAX_NEEDED + 1];
    unsigned needed_count;
    unsigned sandboxes, kicks, frames, deadline_ms, timeout;
    bool fork_rows, list, json;
};

/** check_usage_error - say what is wrong with the command line; returns EXIT_USAGE. */
int check_usage_error(const char *problem, const char *what);

/** check_sconce_failed - the same from an error of the library's. */
int check_sconce_failed(const struct sconce_error *err);

/** check_load_config - the configuration that --config names. --help and --version end the program
 * here. Returns an exit status. */
int check_load_config(int argc, char **argv, struct sconce_config **ret_config);

/** check_parse_options - the rest; --set goes into @config. Returns an exit status. */
int check_parse_options(int argc, char **argv, struct check_options *options,
                        struct sconce_config *config);

#endif
