/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory of snapshots has, as tables and as JSON. */
#ifndef SCONCE_CLI_SNAPSHOT_LIST_H
#define SCONCE_CLI_SNAPSHOT_LIST_H

#include <sconce/sconce.h>

#include "session.h"

/** snapshot_list - from their documents alone. Returns the library's result; @err is not told. */
int snapshot_list(const struct options *options, const char *dir, struct sconce_error *err);

/**
 * snapshot_verify - read each snapshot, or that of @tag, whole.
 * @tag: NULL for all. Returns the exit status. @err: what was wrong with the directory, not told.
 */
int snapshot_verify(const struct session *session, const char *dir, const char *tag,
                    struct sconce_error *err);

#endif
