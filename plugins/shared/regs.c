/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/regs.h"

#include "plugins/shared/plugin-error.h"

int32_t sconce_regs_invalid(struct sconce_plugin_error *err, const char *why)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot use the guest's registers: %s", why);
}

int32_t sconce_regs_check(enum sconce_vcpu_state state, bool entered, uint32_t file,
                          uint64_t file_bytes, uint64_t bytes, struct sconce_plugin_error *err)
{
    if (state == SCONCE_VCPU_DEAD)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot use the guest's registers: the VM has failed");
    if (file_bytes == 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "there is no register file %u", file);
    if (bytes != file_bytes)
        return sconce_regs_invalid(err, "the buffer has not the file's size");
    if (!entered)
        return sconce_regs_invalid(err, "it has not been entered yet");
    return SCONCE_PLUGIN_OK;
}
