/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From options to a configuration, a runtime and a loaded guest, and what a person is told on the
 * way: which backend runs the guest, how it isolates it, and what was passed over.
 */
#ifndef SCONCE_CLI_SESSION_H
#define SCONCE_CLI_SESSION_H

#include <sconce/sconce.h>

#include "options.h"

/* Zero it; session_close() takes it at any stage. */
struct session {
    const struct options *options;
    struct sconce_config *config;
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_snapshot *snapshot;   /* NULL: the guest starts */
    struct sconce_backend_info backend; /* size 0 until a guest is loaded */
};

/* These tell what is wrong and return the exit status, 0 when all is well. */

/** session_configure - the configuration file, and the command line's settings over it. */
int session_configure(struct session *session, const struct options *options);

/** session_start - a runtime of that configuration, which logs to standard error. */
int session_start(struct session *session);

/** session_open - the two of them. */
int session_open(struct session *session, const struct options *options);

/** session_load - load the guest in @path, choose its backend and name it. After session_open. */
int session_load(struct session *session, const char *path);

/** session_load_snapshot - the same with a snapshot and its guest. */
int session_load_snapshot(struct session *session, const char *dir, const char *tag);

void session_close(struct session *session);

#endif
