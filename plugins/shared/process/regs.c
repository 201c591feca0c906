/* SPDX-License-Identifier: Apache-2.0 */
/* When the registers of a guest may be looked at, whatever the architecture. There are no debug
 * registers: a process without ptrace has none to set. */
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/backend.h"
#include "sconce-ext-regs.h"

int32_t sconce_process_regs_refuse(struct sconce_plugin_error *err, const char *why)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot use the guest's registers: %s", why);
}

int32_t sconce_process_regs_check(const struct sconce_plugin_vm *vm, uint32_t file,
                                  uint64_t file_bytes, uint64_t bytes,
                                  struct sconce_plugin_error *err)
{
    if (vm->state == SCONCE_VCPU_DEAD)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_DEAD, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot use the guest's registers: the VM has failed");
    if (file == SCONCE_REGS_DEBUG)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "a guest in a process has no debug registers");
    if (file_bytes == 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "there is no register file %u", file);
    if (bytes != file_bytes)
        return sconce_process_regs_refuse(err, "the buffer has not the file's size");
    if (!vm->child.control)
        return sconce_process_regs_refuse(err, "it has not been entered yet");
    return SCONCE_PLUGIN_OK;
}
