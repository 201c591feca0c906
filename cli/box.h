/* SPDX-License-Identifier: Apache-2.0 */
/* One sandbox as `run`, `call` and `bench` use it: host functions, the guest's output, interrupts,
 * counts.
 */
#ifndef SCONCE_CLI_BOX_H
#define SCONCE_CLI_BOX_H

#include <stdbool.h>
#include <stdio.h>

#include <sconce/sconce.h>

#include "host.h"
#include "session.h"
#include "window.h"

/* Where the guest prints to. */
struct box_stream {
    FILE *to;
    bool safe;       /* it is a terminal */
    bool line_begun; /* what went there last was no newline */
    bool cut;        /* the guest's own last byte there was none, whatever was written since */
};

/* Zero it; box_close() takes it at any stage. */
struct box {
    const struct session *session;
    struct sconce_sandbox *sandbox;
    struct host host;
    struct window window;
    bool drops_output; /* nobody sees what the guest prints; set before box_open */
    bool reads_stdin;  /* the guest's standard input is this program's; set before box_open */
    const char *const
        *args; /* for the guest's main, its name first; NULL: the name alone; likewise */
    size_t arg_count;
    bool ended; /* a guest without exports has run, and exited with @exit_status */
    int exit_status;
    struct box_stream print, print_error;
};

/** box_open - start the guest. Tells what is wrong, and returns the exit status. A program that has
 * run to its end is nothing wrong. */
int box_open(struct box *box, const struct session *session, FILE *print_to,
             struct args_reader *reader);

/** box_call - one call. Tells what is wrong, and returns the exit status. */
int box_call(struct box *box, const struct sconce_signature *function,
             const struct sconce_value *args, struct sconce_value *ret_result);

/** box_fail - tell what ended a call, or what else was tried on the sandbox, and return the exit
 * status. */
int box_fail(struct box *box, struct sconce_error *err);

void box_close(struct box *box);

#endif
