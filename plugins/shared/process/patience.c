/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/process/patience.h"

/*
 * A guest that is well needs microseconds of processor time to stop, however long it waits for its
 * turn on a busy machine; one that has masked signals uses its grace up. Whatever keeps a guest
 * from running at all is not waited for much longer.
 *
 * A machine that is itself a guest of a busy one charges a process for the time that it did not
 * get, tenths of a second at once. So what passes between two kicks counts for no more than a
 * twentieth of the grace: whoever is held for deaf has been seen so at twenty kicks at least.
 */
#define GRACE_CPU_NS 100000000ull
#define GRACE_CLOCK_NS 5000000000ull
#define KICKS_AT_LEAST 20u

void sconce_patience_begin(struct sconce_patience *patience, uint64_t clock, uint64_t cpu)
{
    atomic_store_explicit(&patience->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&patience->cpu, cpu, memory_order_relaxed);
    atomic_store_explicit(&patience->clock_used, 0, memory_order_relaxed);
    atomic_store_explicit(&patience->cpu_used, 0, memory_order_relaxed);
}

/* Charges what has passed since the last time. Returns whether @grace is used up. */
static bool charge(_Atomic uint64_t *last, _Atomic uint64_t *used, uint64_t now, uint64_t grace)
{
    const uint64_t before = atomic_exchange_explicit(last, now, memory_order_relaxed);
    const uint64_t passed = now > before ? now - before : 0, most = grace / KICKS_AT_LEAST;
    const uint64_t charged = passed < most ? passed : most;

    return atomic_fetch_add_explicit(used, charged, memory_order_relaxed) + charged >= grace;
}

bool sconce_patience_is_over(struct sconce_patience *patience, uint64_t clock, uint64_t cpu)
{
    bool clock_over = charge(&patience->clock, &patience->clock_used, clock, GRACE_CLOCK_NS);

    return charge(&patience->cpu, &patience->cpu_used, cpu, GRACE_CPU_NS) || clock_over;
}
