/* SPDX-License-Identifier: Apache-2.0 */
/* It publishes a setting that no configuration file can hold. */
#include "sconce-plugin.h"

static const struct sconce_plugin_setting settings[] = {{"Bad Key", NULL, "a setting"}};

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    (void)key;
    (void)value;
    (void)err;
    return SCONCE_PLUGIN_OK;
}

#define BENT_NAME "settings-key"
#define BENT_OPS PART_OPS, .setting_count = 1, .settings = settings, .configure = configure
#include "tests/plugins/bent.h"
