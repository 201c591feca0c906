/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNAL_COUNT (sizeof signals / sizeof *signals)

/* Both are written outside the handler only while the handler is not installed. */
static struct sconce_sandbox *volatile kicked_sandbox;
static volatile sig_atomic_t caught;

static struct sigaction before[SIGNAL_COUNT];

/* SA_RESETHAND has put the default action back: raising it here ends the program. */
static void on_signal(int number)
{
    caught = number;
    if (sconce_sandbox_kick(kicked_sandbox) <= 0)
        raise(number);
}

void interrupt_begin(struct sconce_sandbox *sandbox)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    kicked_sandbox = sandbox;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) /* nohup, or a shell's background job */
            sigaction(signals[i], &action, NULL);
    }
}

void interrupt_end(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &before[i], NULL);
    kicked_sandbox = NULL;
}

int interrupt_caught(void)
{
    return caught;
}

void interrupt_finish(void)
{
    if (caught != 0)
        raise(caught);
}
