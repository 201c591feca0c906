/* SPDX-License-Identifier: Apache-2.0 */
/* How a probe tells of its facts. */
#include "plugins/shared/kvm/settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "plugins/shared/plugin-error.h"

void sconce_kvm_probe_fill(struct sconce_probe *ret_probe, uint32_t granule, const char *format,
                           ...)
{
    struct sconce_probe probe = {
        .kick_style = SCONCE_KICK_FLAG,
        .caps = SCONCE_CAP_EXEC_ENFORCED | SCONCE_CAP_COW_CLONE | SCONCE_CAP_LAZY_MEMORY |
                SCONCE_CAP_FOLLOWS_HOST_MM | SCONCE_CAP_SYSCALL_EXITS,
        .granule = granule,
    };
    va_list args;

    va_start(args, format);
    vsnprintf(probe.description, sizeof probe.description, format, args);
    va_end(args);
    sconce_plugin_copy_out(ret_probe, &probe, sizeof probe);
}
