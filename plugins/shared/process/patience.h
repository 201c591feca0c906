/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a kicked guest may take to stop before it is held for one that takes no signals. It
 * measures nothing: times are given to it.
 */
#ifndef SCONCE_PLUGINS_PROCESS_PATIENCE_H
#define SCONCE_PLUGINS_PROCESS_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of one thread and the signal handlers that interrupt it. All in nanoseconds. */
struct sconce_patience {
    _Atomic uint64_t clock, cpu;           /* at the last kick */
    _Atomic uint64_t clock_used, cpu_used; /* since the first, as it is charged */
};

/** sconce_patience_begin - the first kick, at @clock, of a guest that has used @cpu of processor
 * time. Signal-safe. */
void sconce_patience_begin(struct sconce_patience *patience, uint64_t clock, uint64_t cpu);

/** sconce_patience_is_over - one kick more, and the guest has still not stopped. @cpu may be 0 when
 * it cannot be told. Signal-safe. */
bool sconce_patience_is_over(struct sconce_patience *patience, uint64_t clock, uint64_t cpu);

#endif
