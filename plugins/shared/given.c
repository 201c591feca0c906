/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/given.h"

#include <inttypes.h>

#include "plugins/shared/plugin-error.h"

int32_t sconce_given_config(const struct sconce_vm_config *given,
                            struct sconce_vm_config *ret_config, struct sconce_plugin_error *err)
{
    if (!sconce_plugin_copy_in(ret_config, sizeof *ret_config, given, sizeof *ret_config))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot create a VM: its configuration is too short");
    if (ret_config->flags & ~SCONCE_VM_DEBUGGABLE)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot create a VM: unknown flags 0x%" PRIx32,
                                  ret_config->flags);
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_given_entry(const struct sconce_entry *given, struct sconce_entry *ret_entry,
                           struct sconce_plugin_error *err)
{
    if (!sconce_plugin_copy_in(ret_entry, sizeof *ret_entry, given, sizeof *ret_entry))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot enter the guest: the entry is too short");
    if (ret_entry->reserved0 != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot enter the guest: a reserved field is not zero");
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_given_entry_holds(const char *problem, uint64_t value,
                                 struct sconce_plugin_error *err)
{
    if (!problem)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot enter the guest: its %s 0x%" PRIx64
                              " is none that a guest can hold",
                              problem, value);
}
