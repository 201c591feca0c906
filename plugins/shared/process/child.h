/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One guest's process: made by the zygote, stopped and released through seccomp notifications,
 * kicked by a signal, ended by SIGKILL. Knows the control area's common words; what is in a signal
 * frame is for the backend.
 *
 * While the child is stopped (after sconce_child_wait returned SCONCE_CHILD_STOPPED) the kernel
 * holds it: no code of the guest's runs, and what it wrote stays. At all other times the control
 * area and the guest's memory change under the reader.
 *
 * A stop is told again when something interrupts it: the freezer (suspend, a paused container),
 * SIGSTOP. The stub clears the frame word of the control area at each stop and the host fills it at
 * each release, so a report that finds it filled is of a stop that was answered already.
 */
#ifndef SCONCE_PLUGINS_PROCESS_CHILD_H
#define SCONCE_PLUGINS_PROCESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/mappings.h"
#include "plugins/shared/process/layout.h"
#include "sconce-plugin.h"

struct sconce_zygote;

struct sconce_child {
    struct sconce_zygote *zygote; /* that made it; NULL: there is none */
    int pidfd;                    /* -1: there is none */
    int listener;                 /* where its notifications come */
    uint8_t *control;      /* SCONCE_CONTROL_BYTES, as the host sees them; NULL: there is none */
    uint64_t notification; /* of the stop that it is in */
    uint64_t frame;        /* where its signal frames are, in its address space */
    uint32_t process;      /* sconce_process_id() of the host that made it */
    uint32_t pid;          /* to ask for its processor time; a signal goes to pidfd */
    uint32_t stub;         /* which of the stub's pages it has */
};

#define SCONCE_CHILD_EMPTY                                                                         \
    {                                                                                              \
        .pidfd = -1, .listener = -1                                                                \
    }

/* What sconce_child_wait comes back with; else a negative errno. */
#define SCONCE_CHILD_STOPPED 0
#define SCONCE_CHILD_GONE 1   /* it is dead */
#define SCONCE_CHILD_FORGED 2 /* stopped, but not by the stub's handler on its own stack */
#define SCONCE_CHILD_AGAIN 3  /* its last stop, told again: release it, after a look at kicks */

/**
 * sconce_child_spawn - a process with this memory, stopped at its first exit: a SIGSEGV of the
 * stub's own, whose frame shows how this kernel lays one out.
 * @child: SCONCE_CHILD_EMPTY. @mappings: each must have a Linux descriptor. @stub: which of the
 * stub's pages it gets.
 */
int32_t sconce_child_spawn(struct sconce_child *child,
                           const struct sconce_plugin_mappings *mappings, uint32_t stub,
                           struct sconce_plugin_error *err);

/** sconce_child_end - kill it and wait until it is dead: after that it touches no memory. Takes an
 * empty one. In a fork of the host that made it, only what this process holds is given back. */
void sconce_child_end(struct sconce_child *child);

/** sconce_child_release - let it go on, with the signal frame that the control area holds.
 * Returns 0 or a negative errno. */
int sconce_child_release(struct sconce_child *child);

/** sconce_child_wait - until it stops, or is dead. @ret_signal: what stopped it, as it says. Goes
 * on waiting when the calling thread gets a signal. */
int sconce_child_wait(struct sconce_child *child, int *ret_signal);

/** sconce_child_signal - by the zygote, when this process may not. Async-signal-safe; sets errno.
 */
void sconce_child_signal(const struct sconce_child *child, int number);

/** sconce_child_cpu_ns - the processor time that it has had; 0 when that cannot be told.
 * Async-signal-safe; sets errno. */
uint64_t sconce_child_cpu_ns(const struct sconce_child *child);

/** sconce_child_frame - the signal frame as the host sees it, @bytes of it; NULL when it is not
 * wholly on the alternate stack. */
uint8_t *sconce_child_frame(const struct sconce_child *child, uint64_t bytes);

/** sconce_child_notifications_fit - are the kernel's notifications of the size that this is built
 * for? seccomp(2) wants it asked. */
bool sconce_child_notifications_fit(void);

/** sconce_child_wake_in_sync - have the kernel hand the processor straight from host to child and
 * back, where it can (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, Linux 6.6). */
void sconce_child_wake_in_sync(const struct sconce_child *child);

/** sconce_child_wakes_in_sync - could it, the last time? */
bool sconce_child_wakes_in_sync(void);

#endif
