/* SPDX-License-Identifier: Apache-2.0 */
/* It publishes a setting and has no operation that takes it. */
#include "sconce-plugin.h"

static const struct sconce_plugin_setting settings[] = {{"a", NULL, "a setting"}};

#define BENT_NAME "settings-deaf"
#define BENT_OPS PART_OPS, .setting_count = 1, .settings = settings
#include "tests/plugins/bent.h"
