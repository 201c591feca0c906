/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is, cheaply: how handles inherited over fork() are told apart. */
#ifndef SCONCE_COMMON_PROCESS_H
#define SCONCE_COMMON_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>

/* process.c's: the id, 0 in a new child; NULL before the first call, and where the kernel has no
 * such pages. */
extern _Atomic uint32_t *sconce_process_cached;

/** sconce_process_find_id - what sconce_process_id() does where that is not known yet. */
uint32_t sconce_process_find_id(void);

/** sconce_process_id - a number that is this process's and not its parent's or children's; no pid,
 * which two of them may share across pid namespaces. A system call only the first time in each
 * process. Any thread; async-signal-safe after the first call in any process. */
static inline uint32_t sconce_process_id(void)
{
    _Atomic uint32_t *cached = sconce_process_cached;
    uint32_t id = cached ? atomic_load_explicit(cached, memory_order_relaxed) : 0;

    return id ? id : sconce_process_find_id();
}

#endif
