/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id is cached in a page that the kernel empties in a forked child (MADV_WIPEONFORK), so that
 * every call can check its handle's process without a system call. The page is the process's, and
 * lives as long as it.
 */
#include "common/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

_Atomic uint32_t *sconce_process_cached;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void map_page(void)
{
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return;
    if (madvise(page, bytes, MADV_WIPEONFORK)) {
        munmap(page, bytes);
        return;
    }
    sconce_process_cached = page;
}

/* Never 0, which is what a child finds. */
static uint32_t new_id(void)
{
    uint32_t id;

    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id || !id)
        return (uint32_t)getpid();
    return id;
}

uint32_t sconce_process_find_id(void)
{
    uint32_t id = 0, fresh;

    pthread_once(&once, map_page);
    if (!sconce_process_cached)
        return (uint32_t)getpid();
    id = atomic_load_explicit(sconce_process_cached, memory_order_relaxed);
    if (id)
        return id;
    /* Threads that come first together must agree. */
    fresh = new_id();
    return atomic_compare_exchange_strong(sconce_process_cached, &id, fresh) ? fresh : id;
}
