/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id is cached in a page that the kernel empties in a forked child (MADV_WIPEONFORK), so that
 * every call can check its handle's process without a system call. The page is the process's, and
 * lives as long as it.
 */
#include "core/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint32_t *cached; /* NULL: the kernel has no such pages */
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
    cached = page;
}

uint32_t sconce_process_id(void)
{
    uint32_t pid;

    pthread_once(&once, map_page);
    if (!cached)
        return (uint32_t)getpid();
    pid = atomic_load_explicit(cached, memory_order_relaxed);
    if (!pid) {
        pid = (uint32_t)getpid();
        atomic_store_explicit(cached, pid, memory_order_relaxed);
    }
    return pid;
}
