/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way when a zygote or a child cannot be made: a step that failed, told as what
 * this machine lacks and what a person can do. */
#ifndef SCONCE_PLUGINS_PROCESS_STEPS_H
#define SCONCE_PLUGINS_PROCESS_STEPS_H

#include <stdint.h>

#include "plugins/shared/process/protocol.h"
#include "sconce-plugin.h"

/** sconce_step_fail - @step: enum sconce_step; @error: its errno. Returns the status. */
int32_t sconce_step_fail(struct sconce_plugin_error *err, uint32_t step, int error);

#endif
