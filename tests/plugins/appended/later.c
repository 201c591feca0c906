/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of the next minor that has the operation which that appends. */
#include "sconce-plugin.h"

static int32_t later_op(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

#define BENT_NAME "later"
#define BENT_OPS PART_OPS, .later_op = later_op
#include "tests/plugins/bent.h"

static int32_t later_op(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    (void)vm;
    snprintf(err->text, sizeof err->text, "the later operation");
    return SCONCE_PLUGIN_E_DEAD;
}
