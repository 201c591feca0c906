/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry refuses this core and says why. */
#include "tests/plugins/parts.h"

static const struct sconce_plugin_ops ops = {PART_OPS};

static int32_t init(const struct sconce_plugin_host *host, struct sconce_plugin_error *err)
{
    host->log(host->ctx, SCONCE_LOG_INFO, "entry-null.init", "about to refuse");
    snprintf(err->text, sizeof err->text, "this core has no frobnicator");
    snprintf(err->hint, sizeof err->hint, "get one");
    return SCONCE_PLUGIN_E_NOT_SUPPORTED;
}

SCONCE_PLUGIN_DEFINE("entry-null", "1", "any", 0, "parts", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, init, NULL);
