/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that exports an entry and has no note: somebody else's library. */
#include "sconce-plugin.h"

const struct sconce_plugin *sconce_plugin_entry_v1(const struct sconce_plugin_host *host,
                                                   struct sconce_plugin_error *err)
{
    (void)host;
    (void)err;
    return NULL;
}
