/* SPDX-License-Identifier: Apache-2.0 */
/* A function and its arguments as they are typed, and its result as it is shown: what `call` and
 * `snapshot` have in common. */
#ifndef SCONCE_CLI_INVOKE_H
#define SCONCE_CLI_INVOKE_H

#include <stdbool.h>
#include <stddef.h>

#include <sconce/sconce.h>

#include "args.h"
#include "session.h"

/* Zero it and set the first five; invocation_free() takes it at any stage. */
struct invocation {
    const struct session *session; /* with a guest */
    const char *guest;             /* the file that was named; NULL: a snapshot was */
    const char *function;
    char *const *args;
    size_t arg_count;
    struct args_reader reader;
    struct sconce_signature signature;
    struct sconce_value values[SCONCE_MAX_PARAMS];
    void *owned[SCONCE_MAX_PARAMS]; /* what the values' bytes live in */
};

/** invocation_read - find the function and read its arguments. Tells what is wrong, and returns the
 * exit status. */
int invocation_read(struct invocation *invocation);

/** invocation_put - the result, where the options want it. Returns the exit status. */
int invocation_put(const struct invocation *invocation, const struct sconce_value *value);

/** invocation_wants_stdout - is the result to be the whole of standard output? */
bool invocation_wants_stdout(const struct options *options);

void invocation_free(struct invocation *invocation);

#endif
