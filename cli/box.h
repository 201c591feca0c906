/* SPDX-License-Identifier: Apache-2.0 */
/* One sandbox as `run` and `call` use it: host functions, the guest's output, interrupts, counts.
 */
#ifndef SCONCE_CLI_BOX_H
#define SCONCE_CLI_BOX_H

#include <stdbool.h>
#include <stdio.h>

#include <sconce/sconce.h>

#include "host.h"
#include "session.h"

/* Zero it; box_close() takes it at any stage. */
struct box {
    const struct session *session;
    struct sconce_sandbox *sandbox;
    struct host host;
    FILE *print_to;  /* what the guest prints goes here */
    bool print_safe; /* it is a terminal */
    bool line_begun; /* the guest's last byte was no newline */
};

/** box_open - start the guest. Tells what is wrong, and returns the exit status. */
int box_open(struct box *box, const struct session *session, FILE *print_to,
             struct args_reader *reader);

/** box_call - one call. Tells what is wrong, and returns the exit status. */
int box_call(struct box *box, const struct sconce_signature *function,
             const struct sconce_value *args, struct sconce_value *ret_result);

void box_close(struct box *box);

#endif
