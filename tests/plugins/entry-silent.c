/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry refuses this core and does not say why. */
#include "tests/plugins/parts.h"

static const struct sconce_plugin_ops ops = {PART_OPS};

static int32_t init(const struct sconce_plugin_host *host, struct sconce_plugin_error *err)
{
    (void)host;
    (void)err;
    return SCONCE_PLUGIN_E_NOT_SUPPORTED;
}

SCONCE_PLUGIN_DEFINE("entry-silent", "1", "any", 0, "parts", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, init, NULL);
