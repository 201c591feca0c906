/* SPDX-License-Identifier: Apache-2.0 */
/* A note that no plugin needs so much of. */
#include "sconce-plugin.h"

SCONCE_NOTE_KEEP static const struct {
    uint32_t owner_bytes, desc_bytes, type;
    char owner[8];
    char desc[8192];
} note = {sizeof SCONCE_NOTE_OWNER, sizeof note.desc, SCONCE_NOTE_PLUGIN, SCONCE_NOTE_OWNER, "\n"};

const struct sconce_plugin *sconce_plugin_entry_v1(const struct sconce_plugin_host *host,
                                                   struct sconce_plugin_error *err)
{
    (void)host;
    (void)err;
    return NULL;
}
