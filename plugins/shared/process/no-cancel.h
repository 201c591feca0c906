/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that is cancelled (pthread_cancel(3)) in the midst of making or ending a process would
 * leave locks and processes behind. */
#ifndef SCONCE_PLUGINS_PROCESS_NO_CANCEL_H
#define SCONCE_PLUGINS_PROCESS_NO_CANCEL_H

#include <pthread.h>

#include "common/cleanup.h"

static inline int sconce_cancel_disable(void)
{
    int before = PTHREAD_CANCEL_ENABLE;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void sconce_cancel_restore(const int *before)
{
    pthread_setcancelstate(*before, NULL);
}

/* Among the first declarations of a function: it is not cancelled until it returns. */
#define SCONCE_NOT_CANCELLED                                                                       \
    SCONCE_CLEANUP(sconce_cancel_restore)                                                          \
    const int not_cancelled_ __attribute__((unused)) = sconce_cancel_disable()

#endif
