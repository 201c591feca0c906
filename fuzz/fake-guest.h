/* SPDX-License-Identifier: Apache-2.0 */
/* A guest without a file or a backend, for the targets of snapshots: code, data, and what it may
 * have beside them. */
#ifndef SCONCE_FUZZ_FAKE_GUEST_H
#define SCONCE_FUZZ_FAKE_GUEST_H

#include "core/snapshot-parts.h"

/** fake_guest - always the same one; static. */
struct sconce_guest *fake_guest(void);

/** fake_limits - what it may have; static. */
const struct sconce_limits *fake_limits(void);

/** fake_parts - of a snapshot of it that can be made. */
struct sconce_snapshot_parts fake_parts(void);

/** fake_check - holds whatever was made of whatever parts. */
void fake_check(const struct sconce_snapshot *snapshot);

#endif
