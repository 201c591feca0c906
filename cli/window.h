/* SPDX-License-Identifier: Apache-2.0 */
/* --window: a file that the guest reads in its window. */
#ifndef SCONCE_CLI_WINDOW_H
#define SCONCE_CLI_WINDOW_H

#include <stdint.h>

#include <sconce/sconce.h>

#include "options.h"

/* Zero it; window_close() takes it at any stage. */
struct window {
    int fd; /* open when @path is not NULL */
    const char *path;
    uint64_t bytes; /* of the file, when it was opened */
};

/**
 * window_open - open the file of --window, if there is one, and settle how large the window is:
 * what --window-size says, or what the file has.
 * Tells what is wrong, and returns the exit status.
 */
int window_open(struct window *window, const struct options *options,
                struct sconce_sandbox_options *sandbox);

/** window_attach - hand it to the guest. Returns what sconce_sandbox_attach_fd does. */
int window_attach(const struct window *window, struct sconce_sandbox *sandbox,
                  struct sconce_error *err);

void window_close(struct window *window);

#endif
