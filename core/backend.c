/* SPDX-License-Identifier: Apache-2.0 */
#include "core/backend.h"

#include "common/error.h"
#include "core/plugin-error.h"

static int code_of_status(int32_t status)
{
    switch (status) {
    case SCONCE_PLUGIN_E_UNAVAILABLE:
        return SCONCE_E_NO_BACKEND;
    case SCONCE_PLUGIN_E_NO_MEMORY:
        return SCONCE_E_NO_MEMORY;
    case SCONCE_PLUGIN_E_SYSTEM:
        return SCONCE_E_SYSTEM;
    default:
        /* NOT_SUPPORTED and INVALID mean that core and plugin disagree about the contract; the core
         * tells apart what a guest may cause before it asks here. */
        return SCONCE_E_BACKEND;
    }
}

int sconce_backend_error(const struct sconce_backend *backend, int32_t status,
                         const struct sconce_plugin_error *from, struct sconce_error *err)
{
    int code = code_of_status(status);

    if (status > 0)
        return sconce_fail(err, code, "%s: it answered %d, which the plugin ABI does not know",
                           backend->name, status);
    sconce_plugin_error_take(from, code, err);
    /* A later minor may have more of them; what it says can be told all the same. */
    if (status < SCONCE_PLUGIN_E_DEAD)
        sconce_error_prefix(err, "%s: it answered %d, which this Sconce does not know",
                            backend->name, status);
    else
        sconce_error_prefix(err, "%s", backend->name);
    return code;
}

void sconce_backend_describe(const struct sconce_backend *backend,
                             struct sconce_backend_info *ret_info)
{
    *ret_info = (struct sconce_backend_info){
        .size = sizeof *ret_info,
        .machine = backend->machine,
        .name = backend->name,
        .version = backend->version,
        .arch = backend->arch_name,
        .mechanism = backend->mechanism,
        .isolation = backend->isolation,
        .status = backend->status,
        .requires_ = backend->requires_,
        .path = backend->path,
        .description = backend->probed ? backend->probe.description : "",
        .problem = "",
        .hint = "",
    };
}
