/* SPDX-License-Identifier: Apache-2.0 */
/* Its probe succeeds and reports what cannot be. */
#include "sconce-plugin.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);

#define BENT_NAME "probe-lies"
#define BENT_OPS PART_OPS, .probe = probe
#include "tests/plugins/bent.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    (void)err;
    ret_probe->kick_style = 9;
    ret_probe->granule = SCONCE_MEM_GRANULE;
    return SCONCE_PLUGIN_OK;
}
