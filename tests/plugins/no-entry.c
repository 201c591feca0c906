/* SPDX-License-Identifier: Apache-2.0 */
/* It has a note and exports nothing. */
#include "tests/plugins/parts.h"

static const struct sconce_plugin_ops ops = {PART_OPS};

const struct sconce_plugin *hidden_entry(const struct sconce_plugin_host *host,
                                         struct sconce_plugin_error *err);
#define sconce_plugin_entry_v1 hidden_entry
SCONCE_PLUGIN_DEFINE("no-entry", "1", "any", 0, "parts", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, NULL, NULL);
