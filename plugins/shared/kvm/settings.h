/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a KVM backend keeps for the process: where the device is, and the facts about this machine
 * that it found out there, once. What the facts are is the backend's.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_SETTINGS_H
#define SCONCE_PLUGINS_SHARED_KVM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/lock.h"
#include "plugins/shared/kvm/device.h"
#include "sconce-plugin.h"

#define SCONCE_KVM_DEVICE_BYTES 256u

struct sconce_kvm_settings {
    struct sconce_lock lock;
    bool known; /* the facts are this device's */
    char device[SCONCE_KVM_DEVICE_BYTES];
};

#define SCONCE_KVM_SETTINGS                                                                        \
    {                                                                                              \
        .device = SCONCE_KVM_DEVICE                                                                \
    }

/** sconce_kvm_set_device - the setting "device". [any-thread] */
int32_t sconce_kvm_set_device(struct sconce_kvm_settings *settings, const char *value,
                              struct sconce_plugin_error *err);

/** sconce_kvm_configure - the op, where the one setting is "device". [any-thread] */
int32_t sconce_kvm_configure(struct sconce_kvm_settings *settings, const char *key,
                             const char *value, struct sconce_plugin_error *err);

/* Find out the facts; @facts is the kept copy, whatever is in it. */
typedef int32_t (*sconce_kvm_discover_fn)(const char *device, void *facts,
                                          struct sconce_plugin_error *err);

/**
 * sconce_kvm_facts - the facts, found out when they are not known yet. [any-thread]
 * @kept, @bytes: the process's copy, guarded by the settings' lock.
 * @ret_facts: a copy of it.
 */
int32_t sconce_kvm_facts(struct sconce_kvm_settings *settings, sconce_kvm_discover_fn discover,
                         void *kept, size_t bytes, void *ret_facts,
                         struct sconce_plugin_error *err);

/** sconce_kvm_probe_room - can a probe's findings be written? INVALID. */
int32_t sconce_kvm_probe_room(const struct sconce_probe *ret_probe,
                              struct sconce_plugin_error *err);

/** sconce_kvm_probe_fill - what every KVM backend reports, with the description given. */
void sconce_kvm_probe_fill(struct sconce_probe *ret_probe, uint32_t granule, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));

#endif
