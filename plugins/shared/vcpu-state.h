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
    SCONCE_VCPU_STOPPED,  /* faulted or shut down: wants vcpu_reset */
    SCONCE_VCPU_DEAD,     /* wants vm_destroy */
};

/** sconce_vcpu_refuse - @what ("run the guest") cannot be done in @state. Returns the status. */
int32_t sconce_vcpu_refuse(enum sconce_vcpu_state state, const char *what,
                           struct sconce_plugin_error *err);

#endif
