/* SPDX-License-Identifier: Apache-2.0 */
/* Exits that mean the same on every architecture. */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_EXIT_H
#define SCONCE_PLUGINS_SHARED_MSHV_EXIT_H

#include "plugins/shared/mshv/uapi.h"
#include "plugins/shared/mshv/vm.h"
#include "sconce-plugin.h"

/* What the host has taken away, or could not bring back. */
#define SCONCE_MSHV_NOT_ACCESSIBLE "guest memory is not accessible to the host"

/** sconce_mshv_exit_run_failed - RUN_VP itself failed with @errnum. */
void sconce_mshv_exit_run_failed(struct sconce_exit *ret_exit, int errnum);

/** sconce_mshv_exit_whole - has the last message @bytes of payload, which are to be read? Else it
 * is a FAIL, and the VM is dead. */
bool sconce_mshv_exit_whole(struct sconce_mshv_vm *vm, size_t bytes, struct sconce_exit *ret_exit);

/** sconce_mshv_exit_other - a message that the architecture's own code does not take. */
void sconce_mshv_exit_other(const struct mshv_message *message, struct sconce_exit *ret_exit);

#endif
