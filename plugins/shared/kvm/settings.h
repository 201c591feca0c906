/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a KVM backend, and what all of them report. */
#ifndef SCONCE_PLUGINS_SHARED_KVM_SETTINGS_H
#define SCONCE_PLUGINS_SHARED_KVM_SETTINGS_H

#include "plugins/shared/kvm/device.h"
#include "plugins/shared/settings.h"
#include "sconce-plugin.h"

#define SCONCE_KVM_SETTINGS                                                                        \
    {                                                                                              \
        .standard = SCONCE_KVM_DEVICE, .device = SCONCE_KVM_DEVICE                                 \
    }

/** sconce_kvm_probe_fill - what every KVM backend reports, with the description given. */
void sconce_kvm_probe_fill(struct sconce_probe *ret_probe, uint32_t granule, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));

#endif
