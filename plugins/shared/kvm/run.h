/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a vCPU and making it stop.
 *
 * A kick sets kvm_run.immediate_exit, from a signal handler on the thread that runs the vCPU:
 *  - before KVM_RUN, the flag makes it return EINTR at once;
 *  - inside, the signal makes it return EINTR;
 *  - after it, the flag waits for the next KVM_RUN.
 * The flag is cleared in one place, after an EINTR that found it set. Clearing it before KVM_RUN
 * would lose a kick that came in between.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_RUN_H
#define SCONCE_PLUGINS_SHARED_KVM_RUN_H

#include "plugins/shared/kvm/device.h"
#include "sconce-plugin.h"

/** sconce_kvm_kick - [async-signal-safe]. */
void sconce_kvm_kick(struct sconce_kvm_machine *machine);

#define SCONCE_KVM_EXITED 0    /* machine->run tells why */
#define SCONCE_KVM_CANCELLED 1 /* by a kick, which is consumed; or the guest's time is over */

/** sconce_kvm_run - one KVM_RUN, or more when signals of others interrupt it. Returns one of the
 * above, or a negative errno. */
int sconce_kvm_run(struct sconce_kvm_machine *machine);

/**
 * sconce_kvm_drain - let the kernel finish what the last exit left to be finished, without running
 * the guest. A kick that is pending stays so.
 * Errors: SYSTEM.
 */
int32_t sconce_kvm_drain(struct sconce_kvm_machine *machine, struct sconce_plugin_error *err);

/** sconce_kvm_forget_kick - drop a kick that is pending. */
void sconce_kvm_forget_kick(struct sconce_kvm_machine *machine);

#endif
