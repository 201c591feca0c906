/* SPDX-License-Identifier: Apache-2.0 */
/* Which op may come next for a VM, the same on every mechanism: the order that the contract sets.
 */
#ifndef SCONCE_PLUGINS_SHARED_VCPU_STATE_H
#define SCONCE_PLUGINS_SHARED_VCPU_STATE_H

#include "sconce-plugin.h"

enum sconce_vcpu_state {
    SCONCE_VCPU_FRESH,    /* created or reset: wants vcpu_enter */
    SCONCE_VCPU_RUNNABLE, /* entered; may have run */
    SCONCE_VCPU_SYSCALL,  /* wants vcpu_complete */
    SCONCE_VCPU_FAULTED,  /* wants sconce.fault/1's resume, or vcpu_reset */
    SCONCE_VCPU_STOPPED,  /* shut down, or faulted for good: wants vcpu_reset */
    SCONCE_VCPU_DEAD,     /* wants vm_destroy */
};

/** sconce_vcpu_refuse - @what ("run the guest") cannot be done in @state. Returns the status. */
int32_t sconce_vcpu_refuse(enum sconce_vcpu_state state, const char *what,
                           struct sconce_plugin_error *err);

/** sconce_vcpu_resume - sconce.fault/1's, where a state is all that keeps the guest from going on.
 */
int32_t sconce_vcpu_resume(enum sconce_vcpu_state *state, struct sconce_plugin_error *err);

#endif
