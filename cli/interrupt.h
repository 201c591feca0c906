/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C during a call: the call is ended, everything is given back, and then the program dies of
 * the signal as if it had not been caught. A second one kills at once. Outside of calls the signals
 * keep their default action.
 */
#ifndef SCONCE_CLI_INTERRUPT_H
#define SCONCE_CLI_INTERRUPT_H

#include <sconce/sconce.h>

/** interrupt_begin - from now on SIGINT, SIGTERM and SIGHUP kick @sandbox (once). */
void interrupt_begin(struct sconce_sandbox *sandbox);

/** interrupt_end - before the sandbox is freed. */
void interrupt_end(void);

/** interrupt_caught - the signal that ended a call, 0 when none has. */
int interrupt_caught(void);

/** interrupt_finish - if a signal ended a call, die of it now. The program's last act. */
void interrupt_finish(void);

#endif
