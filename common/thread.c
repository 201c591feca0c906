/* SPDX-License-Identifier: Apache-2.0 */
#include "common/thread.h"

#include <signal.h>

int sconce_thread_start(pthread_t *ret_thread, const char *name, void *(*work)(void *ctx),
                        void *ctx)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    int r;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    r = pthread_create(ret_thread, NULL, work, ctx);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!r)
        pthread_setname_np(*ret_thread, name);
    return r;
}
