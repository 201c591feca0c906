/* SPDX-License-Identifier: Apache-2.0 */
/* Its probe answers with a status that the contract does not have. */
#include "sconce-plugin.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);

#define BENT_NAME "probe-status"
#define BENT_OPS PART_OPS, .probe = probe
#include "tests/plugins/bent.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    (void)ret_probe;
    (void)err;
    return 42;
}
