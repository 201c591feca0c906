/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend a configuration file leads to: shared by the tests of selection. */
#ifndef SCONCE_TESTS_CHOOSE_H
#define SCONCE_TESTS_CHOOSE_H

#include "e2e.h"

struct choice {
    int result;
    char backend[64];
    char refusals[2048];
    struct sconce_error err;
};

/** choose_dir - a fresh folder for the test's files; the same one at every call. */
const char *choose_dir(void);

/** choose_file - write a file in that folder; its path, valid until the next call. */
const char *choose_file(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** choose_config - a configuration of the build tree's plugins with more [runtime] settings. */
const char *choose_config(const char *settings);

/** choose - what a program that knows only a configuration file's name ends up with. */
struct choice choose(const char *config_path);

#endif
