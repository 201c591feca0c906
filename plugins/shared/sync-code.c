/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/sync-code.h"

#include <inttypes.h>

#include "plugins/shared/plugin-error.h"

/* How much of [gpa, gpa + bytes) lies in executable mapping @range, from gpa on; 0 for none. */
static uint64_t part_in(const struct sconce_plugin_range *range, uint64_t gpa, uint64_t bytes)
{
    uint64_t offset = gpa - range->gpa;

    if (!(range->prot & SCONCE_PROT_EXEC) || offset >= range->bytes)
        return 0;
    return range->bytes - offset < bytes ? range->bytes - offset : bytes;
}

int32_t sconce_plugin_sync_code(const struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                uint64_t bytes, bool seen, struct sconce_plugin_error *err)
{
    uint64_t at = gpa, left = bytes;

    for (uint32_t i = 0; left && i < mappings->count; i++) { /* sorted by gpa */
        const struct sconce_plugin_range *range = &mappings->ranges[i];
        uint64_t part = part_in(range, at, left);
        char *host;

        if (!part)
            continue;
        host = (char *)range->host + (at - range->gpa);
        if (seen)
            __builtin___clear_cache(host, host + part);
        at += part;
        left -= part;
    }
    if (!left)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot make %" PRIu64 " bytes of code at 0x%" PRIx64
                              " visible: they are not all executable guest memory",
                              bytes, gpa);
}
