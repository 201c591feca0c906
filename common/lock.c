/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lock.h"

#include <time.h>

#include "common/process.h"

#define PREPARING (1ull << 32) /* beside the id: a thread of that process makes the mutex anew */

void sconce_lock_take(struct sconce_lock *lock)
{
    const struct timespec moment = {.tv_nsec = 50000};
    const uint64_t mine = sconce_process_id();
    uint64_t owner = atomic_load_explicit(&lock->owner, memory_order_acquire);

    while (owner != mine) {
        if (owner == (mine | PREPARING)) {
            /* Not sched_yield(2): of a lower priority, the other would not get its turn. */
            nanosleep(&moment, NULL);
            owner = atomic_load_explicit(&lock->owner, memory_order_acquire);
        } else if (atomic_compare_exchange_strong(&lock->owner, &owner, mine | PREPARING)) {
            pthread_mutex_init(&lock->mutex, NULL);
            atomic_store_explicit(&lock->owner, mine, memory_order_release);
            owner = mine;
        }
    }
    pthread_mutex_lock(&lock->mutex);
}

void sconce_lock_give(struct sconce_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}
