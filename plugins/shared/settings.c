/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/settings.h"

#include <stdio.h>
#include <string.h>

#include "plugins/shared/plugin-error.h"

int32_t sconce_settings_set_device(struct sconce_settings *settings, const char *value,
                                   struct sconce_plugin_error *err)
{
    size_t length = strlen(value);
    char hint[sizeof err->hint];

    snprintf(hint, sizeof hint, "write device = %s", settings->standard);
    if (value[0] != '/')
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, hint,
                                  "device is not an absolute path: %s", value);
    if (length >= SCONCE_DEVICE_BYTES)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "device is longer than %u bytes", SCONCE_DEVICE_BYTES - 1);
    sconce_lock_take(&settings->lock);
    if (strcmp(settings->device, value) != 0)
        settings->known = false;
    memcpy(settings->device, value, length + 1);
    sconce_lock_give(&settings->lock);
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_settings_configure(struct sconce_settings *settings, const char *key,
                                  const char *value, struct sconce_plugin_error *err)
{
    if (strcmp(key, "device") == 0)
        return sconce_settings_set_device(settings, value, err);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                              "the only setting is device", "there is no setting %s", key);
}

int32_t sconce_settings_facts(struct sconce_settings *settings, sconce_discover_fn discover,
                              void *kept, size_t bytes, void *ret_facts,
                              struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    sconce_lock_take(&settings->lock);
    if (!settings->known)
        r = discover(settings->device, kept, err);
    settings->known = r == SCONCE_PLUGIN_OK;
    if (settings->known)
        memcpy(ret_facts, kept, bytes);
    sconce_lock_give(&settings->lock);
    return r;
}

int32_t sconce_settings_probe_room(const struct sconce_probe *ret_probe,
                                   struct sconce_plugin_error *err)
{
    if (SCONCE_HAS(sconce_probe, ret_probe, description))
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot probe: no room for what is found");
}
