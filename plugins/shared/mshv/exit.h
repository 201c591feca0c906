/* SPDX-License-Identifier: Apache-2.0 */
/* Exits that mean the same on every architecture. */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_EXIT_H
#define SCONCE_PLUGINS_SHARED_MSHV_EXIT_H

#include "plugins/shared/mshv/uapi.h"
#include "sconce-plugin.h"

/** sconce_mshv_exit_run_failed - RUN_VP itself failed with @errnum. */
void sconce_mshv_exit_run_failed(struct sconce_exit *ret_exit, int errnum);

/** sconce_mshv_exit_other - a message that the architecture's own code does not take. */
void sconce_mshv_exit_other(const struct mshv_message *message, struct sconce_exit *ret_exit);

#endif
