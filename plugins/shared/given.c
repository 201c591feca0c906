/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/given.h"

#include <inttypes.h>

#include "common/overflow.h"
#include "plugins/shared/plugin-error.h"

int32_t sconce_given_config(const struct sconce_vm_config *given,
                            struct sconce_vm_config *ret_config, struct sconce_plugin_error *err)
{
    if (!sconce_plugin_copy_in(ret_config, sizeof *ret_config, given,
                               SCONCE_BYTES_TO(sconce_vm_config, reserved_bytes)))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot create a VM: its configuration is too short");
    if (ret_config->flags & ~SCONCE_VM_DEBUGGABLE)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot create a VM: unknown flags 0x%" PRIx32,
                                  ret_config->flags);
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_given_space(const struct sconce_vm_config *given, uint64_t alignment,
                           unsigned address_bits, struct sconce_vm_config *ret_config,
                           struct sconce_plugin_error *err)
{
    uint64_t end;
    int32_t r = sconce_given_config(given, ret_config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (ret_config->gpa_min >= ret_config->gpa_max || ret_config->gpa_max % alignment ||
        !sconce_add_u64(ret_config->gpa_max, ret_config->reserved_bytes, &end) ||
        end > 1ull << address_bits)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot create a VM: guest addresses 0x%" PRIx64 " to 0x%" PRIx64 " and %" PRIu64
            " reserved bytes are no page-aligned range below 2^%u",
            ret_config->gpa_min, ret_config->gpa_max, ret_config->reserved_bytes, address_bits);
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_given_entry(const struct sconce_entry *given, struct sconce_entry *ret_entry,
                           struct sconce_plugin_error *err)
{
    if (!sconce_plugin_copy_in(ret_entry, sizeof *ret_entry, given,
                               SCONCE_BYTES_TO(sconce_entry, args)))
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
