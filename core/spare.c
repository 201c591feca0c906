/* SPDX-License-Identifier: Apache-2.0 */
#include "core/spare.h"

#include <sched.h>
#include <stdatomic.h>

#include "common/process.h"

/* The process's id in the upper half: a child starts with none, whatever its parent has taken. */
static _Atomic uint64_t taken;

uint32_t sconce_spare_most(void)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return 0; /* more processors than the set has room for: nobody has told how many */
    return (uint32_t)CPU_COUNT(&allowed) / 2;
}

static uint64_t none(void)
{
    return (uint64_t)sconce_process_id() << 32;
}

bool sconce_spare_take(uint32_t most)
{
    uint64_t now = atomic_load_explicit(&taken, memory_order_relaxed), empty = none();

    for (;;) {
        uint64_t mine = now >> 32 == empty >> 32 ? now : empty;

        if ((uint32_t)mine >= most)
            return false;
        if (atomic_compare_exchange_weak_explicit(&taken, &now, mine + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
}

void sconce_spare_give(void)
{
    atomic_fetch_sub_explicit(&taken, 1, memory_order_relaxed);
}
