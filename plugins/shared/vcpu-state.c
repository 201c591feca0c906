/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/vcpu-state.h"

#include "plugins/shared/plugin-error.h"

int32_t sconce_vcpu_refuse(enum sconce_vcpu_state state, const char *what,
                           struct sconce_plugin_error *err)
{
    static const char *const why[] = {
        [SCONCE_VCPU_FRESH] = "it was not entered",
        [SCONCE_VCPU_RUNNABLE] = "it is between two runs",
        [SCONCE_VCPU_SYSCALL] = "its system call is not answered",
        [SCONCE_VCPU_FAULTED] = "it faulted and was not reset",
        [SCONCE_VCPU_STOPPED] = "it stopped for good and was not reset",
        [SCONCE_VCPU_DEAD] = "it failed and can only be destroyed",
    };
    int32_t status = state == SCONCE_VCPU_DEAD ? SCONCE_PLUGIN_E_DEAD : SCONCE_PLUGIN_E_INVALID;

    return sconce_plugin_fail(err, status, SCONCE_DOMAIN_NONE, 0, NULL, "cannot %s: %s", what,
                              why[state]);
}

int32_t sconce_vcpu_resume(enum sconce_vcpu_state *state, struct sconce_plugin_error *err)
{
    if (*state == SCONCE_VCPU_STOPPED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot go on after this fault: it stopped the guest for good");
    if (*state != SCONCE_VCPU_FAULTED)
        return sconce_vcpu_refuse(*state, "go on after a fault", err);
    *state = SCONCE_VCPU_RUNNABLE;
    return SCONCE_PLUGIN_OK;
}
