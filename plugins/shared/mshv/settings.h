/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a backend of the Microsoft Hypervisor, and what all of them report. */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_SETTINGS_H
#define SCONCE_PLUGINS_SHARED_MSHV_SETTINGS_H

#include "plugins/shared/mshv/device.h"
#include "plugins/shared/settings.h"
#include "sconce-plugin.h"

#define SCONCE_MSHV_SETTINGS                                                                       \
    {                                                                                              \
        .standard = SCONCE_MSHV_DEVICE, .device = SCONCE_MSHV_DEVICE                               \
    }

/** sconce_mshv_probe_fill - what every such backend reports, with the description given. Memory is
 * pinned: nothing follows what the host maps, and there is no private copy of it. */
void sconce_mshv_probe_fill(struct sconce_probe *ret_probe, uint32_t granule, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));

#endif
