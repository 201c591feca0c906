/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, watching and stopping the thread. */
#include "runner.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t runner_handled;

static void handler(int signal)
{
    (void)signal;
    runner_handled++;
}

void runner_take(int signal, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    assert_int_equal(sigaction(signal, &action, NULL), 0);
    runner_handled = 0;
}

static void *run_thread(void *argument)
{
    struct runner *r = argument;

    __atomic_store_n(&r->ready, true, __ATOMIC_SEQ_CST);
    errno = 0;
    r->type = client_run(&r->m);
    r->error = errno;
    __atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

void runner_start(struct runner *r)
{
    r->ready = r->done = false;
    assert_int_equal(pthread_create(&r->thread, NULL, run_thread, r), 0);
    while (!__atomic_load_n(&r->ready, __ATOMIC_SEQ_CST))
        sched_yield();
}

/* Is the guest running? It counts in its memory, at DATA_AT. */
#define COUNT 0xff, 0x03, 0xeb, 0xfc /* incl (%rbx); jmp back */

void runner_wait(struct runner *r)
{
    volatile uint32_t *counter = (volatile uint32_t *)(void *)(r->m.ram + DATA_AT);
    uint32_t first = *counter;

    while (*counter == first)
        sched_yield();
}

void runner_stop(struct runner *r)
{
    while (!__atomic_load_n(&r->done, __ATOMIC_SEQ_CST)) {
        pthread_kill(r->thread, SIGUSR1);
        usleep(100); /* the next signal; nothing is expected of the time */
    }
    pthread_join(r->thread, NULL);
}

void runner_new(struct runner *r)
{
    memset(r, 0, sizeof *r);
    machine_new(&r->m, CODE(COUNT));
    client_set(&r->m, RBX, DATA_AT);
}
