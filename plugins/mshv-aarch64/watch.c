/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit for a guest that runs where no kick can come, as a plugin has no signal of its own: its
 * memory is taken away, by the partition's descriptor, which a run does not hold. The next
 * instruction has nothing to be fetched from, and that is a message.
 *
 * Where the kernel refuses to take it away, it is asked again until the guest has stopped. Nothing
 * else ends a run here: it holds the VP, so that closing a descriptor changes nothing, and only the
 * host can send its thread a signal. A kernel that refuses for ever makes a trial last as long.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/plugin-error.h"

#define SECOND 1000000000ull
#define AGAIN_NS (SECOND / 10)

static void add(struct timespec *due, uint64_t ns)
{
    ns += (uint64_t)due->tv_nsec;
    due->tv_sec += (time_t)(ns / SECOND);
    due->tv_nsec = (long)(ns % SECOND);
}

static void *watch_over(void *value)
{
    struct mshv_a64_watch *watch = value;
    struct timespec due;

    clock_gettime(CLOCK_MONOTONIC, &due);
    add(&due, watch->ns);
    pthread_mutex_lock(&watch->lock);
    while (!watch->is_over) {
        if (pthread_cond_clockwait(&watch->over, &watch->lock, CLOCK_MONOTONIC, &due) !=
                ETIMEDOUT ||
            watch->is_over)
            continue;
        watch->struck = true;
        sconce_mshv_regions_hide(&watch->vm->mshv.regions, watch->vm->mshv.machine.partition_fd);
        add(&due, AGAIN_NS);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

int32_t mshv_a64_watch_start(struct mshv_a64_watch *watch, struct sconce_plugin_vm *vm, uint64_t ns,
                             struct sconce_plugin_error *err)
{
    sigset_t all, before;
    int errnum;

    *watch = (struct mshv_a64_watch){
        .vm = vm,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .over = PTHREAD_COND_INITIALIZER,
        .ns = ns,
    };
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the host's signals are not for this thread */
    errnum = pthread_create(&watch->thread, NULL, watch_over, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errnum == 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errnum, NULL,
                              "cannot create a thread to watch over a trial guest");
}

bool mshv_a64_watch_stop(struct mshv_a64_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->is_over = true;
    pthread_cond_signal(&watch->over);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    return watch->struck;
}
