/* SPDX-License-Identifier: Apache-2.0 */
/* It needs a symbol that nothing defines. */
#include "tests/plugins/parts.h"

int sconce_symbol_that_nothing_defines(void);

static const struct sconce_plugin_ops ops = {PART_OPS};

static int32_t init(const struct sconce_plugin_host *host, struct sconce_plugin_error *err)
{
    (void)host;
    (void)err;
    return sconce_symbol_that_nothing_defines();
}

SCONCE_PLUGIN_DEFINE("undefined", "1", "any", 0, "parts", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, init, NULL);
