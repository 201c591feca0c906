/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a VP and making it stop.
 *
 * A kick sets a flag, from a signal handler on the thread that runs the VP. No flag of ours is
 * looked at by the kernel: a signal that comes just before RUN_VP is lost on it, and the guest
 * runs. So the core sends it again until the run has returned (SCONCE_KICK_RESIGNAL). The flag is
 * looked at before the registers are flushed and after each RUN_VP that was interrupted: what was
 * flushed is always followed by a RUN_VP, which takes it, or by another flush. It is cleared where
 * CANCELLED is reported, and nowhere else but at a reset and at the first entry.
 *
 * A signal that meets a message on its way does not cost it: the kernel returns the message, the
 * flag waits for the next run.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_RUN_H
#define SCONCE_PLUGINS_SHARED_MSHV_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"

struct sconce_mshv_kick {
    atomic_bool pending;
};

/** sconce_mshv_kick - [async-signal-safe]. */
void sconce_mshv_kick(struct sconce_mshv_kick *kick);

/** sconce_mshv_forget_kick - drop a kick that is pending. */
void sconce_mshv_forget_kick(struct sconce_mshv_kick *kick);

/** sconce_mshv_take_kick - is one pending? It is consumed. */
bool sconce_mshv_take_kick(struct sconce_mshv_kick *kick);

#define SCONCE_MSHV_EXITED 0      /* the message tells why */
#define SCONCE_MSHV_CANCELLED 1   /* by a kick, which is consumed; or the guest's time is over */
#define SCONCE_MSHV_INTERRUPTED 2 /* by a signal; there is no message */
#define SCONCE_MSHV_IDLE 3 /* neither: the partition was given memory, or no reason is told */

/** sconce_mshv_run - one RUN_VP. Returns one of the above, but for CANCELLED, or a negative errno.
 */
int sconce_mshv_run(int vp_fd, struct mshv_message *ret_message);

#endif
