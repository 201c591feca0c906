/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex for what belongs to the process and not to a handle. A forked child inherits such a lock
 * as it was at that moment, perhaps held by a thread that it does not have: it finds it free. What
 * the lock guards may then be half changed, so that every step under it must leave something that
 * can be gone on from.
 */
#ifndef SCONCE_COMMON_LOCK_H
#define SCONCE_COMMON_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* All zero is a free one. There is nothing to destroy. */
struct sconce_lock {
    pthread_mutex_t mutex;
    _Atomic uint64_t owner; /* sconce_process_id() of the process whose mutex it is; PREPARING */
};

/** sconce_lock_take - any thread; not async-signal-safe. */
void sconce_lock_take(struct sconce_lock *lock);

/** sconce_lock_give - by the thread that took it. */
void sconce_lock_give(struct sconce_lock *lock);

#endif
