/* SPDX-License-Identifier: Apache-2.0 */
/* What the stub keeps for the process: the configured script. */
#ifndef SCONCE_STUB_PLUGIN_H
#define SCONCE_STUB_PLUGIN_H

#include "plugins/stub/script.h"

/** stub_script_current - a reference to the script that new VMs play; stub_script_free it. */
int32_t stub_script_current(struct stub_script **ret_script, struct sconce_plugin_error *err);

#endif
