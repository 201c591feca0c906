/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend of a device keeps for the process: where the device is, and the facts about this
 * machine that it found out there, once. What the facts are is the backend's.
 */
#ifndef SCONCE_PLUGINS_SHARED_SETTINGS_H
#define SCONCE_PLUGINS_SHARED_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/lock.h"
#include "sconce-plugin.h"

#define SCONCE_DEVICE_BYTES 256u

struct sconce_settings {
    struct sconce_lock lock;
    bool known;           /* the facts are this device's */
    const char *standard; /* where the device is on most machines */
    char device[SCONCE_DEVICE_BYTES];
};

/** sconce_settings_set_device - the setting "device"; another one than before has no known facts.
 * Each runtime sets it again. [any-thread] */
int32_t sconce_settings_set_device(struct sconce_settings *settings, const char *value,
                                   struct sconce_plugin_error *err);

/** sconce_settings_configure - the op, where the one setting is "device". [any-thread] */
int32_t sconce_settings_configure(struct sconce_settings *settings, const char *key,
                                  const char *value, struct sconce_plugin_error *err);

/* Find out the facts; @facts is the kept copy, whatever is in it. */
typedef int32_t (*sconce_discover_fn)(const char *device, void *facts,
                                      struct sconce_plugin_error *err);

/**
 * sconce_settings_facts - the facts, found out when they are not known yet. [any-thread]
 * @kept, @bytes: the process's copy, guarded by the settings' lock.
 * @ret_facts: a copy of it.
 */
int32_t sconce_settings_facts(struct sconce_settings *settings, sconce_discover_fn discover,
                              void *kept, size_t bytes, void *ret_facts,
                              struct sconce_plugin_error *err);

/** sconce_settings_probe_room - can a probe's findings be written? INVALID. */
int32_t sconce_settings_probe_room(const struct sconce_probe *ret_probe,
                                   struct sconce_plugin_error *err);

#endif
