/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of a later generation of the contract: it exports that one's entry alone. */
#include "tests/plugins/parts.h"

static const struct sconce_plugin_ops ops = {PART_OPS};

SCONCE_PLUGIN_EXPORT const struct sconce_plugin *
sconce_plugin_entry_v2(const struct sconce_plugin_host *host, struct sconce_plugin_error *err);
#define sconce_plugin_entry_v1 sconce_plugin_entry_v2
SCONCE_PLUGIN_DEFINE("entry-v2", "1", "any", 0, "parts", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, NULL, NULL);
