/* SPDX-License-Identifier: Apache-2.0 */
/* Many sandboxes of one snapshot, alive at once. */
#ifndef SCONCE_BENCH_MANY_H
#define SCONCE_BENCH_MANY_H

#include "subject.h"

/* Zero it; many_free takes it at any stage. */
struct many {
    struct sconce_sandbox **sandboxes;
    unsigned count;
    unsigned next; /* whose turn it is, by many_call */
    struct sconce_error err;
};

/** many_snapshot - of a sandbox that has just started. Returns 0, or -1 when something failed,
 * which has been told on stderr. */
int many_snapshot(const struct subject *subject, struct sconce_snapshot **ret_snapshot);

/**
 * many_make - make up to @wanted. As many descriptors as this process may have are made use of.
 * Returns 0, also when the machine has room for fewer: then @many->count says for how many, and why
 * it was not more has been told on stderr. -1 when there is none, likewise.
 */
int many_make(const struct subject *subject, const struct sconce_snapshot *snapshot,
              unsigned wanted, struct many *many);

/** many_call - call @export_i of the next of them. Returns as many_snapshot. */
int many_call(struct many *many, uint32_t export_i);

void many_free(struct many *many);

#endif
