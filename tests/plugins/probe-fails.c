/* SPDX-License-Identifier: Apache-2.0 */
/* This machine cannot run it. Its text has no NUL at its end, and characters that would clear a
 * terminal. */
#include <errno.h>

#include "sconce-plugin.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);

#define BENT_NAME "probe-fails"
#define BENT_ISOLATION "vm"
#define BENT_OPS PART_OPS, .probe = probe
#include "tests/plugins/bent.h"

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    static const char text[] = "cannot open /dev/frob\n\x1b[2J ";

    (void)ret_probe;
    memset(err->text, 'x', sizeof err->text);
    memcpy(err->text, text, sizeof text - 1);
    snprintf(err->hint, sizeof err->hint, "make /dev/frob");
    err->domain = SCONCE_DOMAIN_ERRNO;
    err->code = EACCES;
    return SCONCE_PLUGIN_E_UNAVAILABLE;
}
