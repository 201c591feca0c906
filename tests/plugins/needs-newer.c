/* SPDX-License-Identifier: Apache-2.0 */
/* It cannot do without something that a later minor has. */
#define SCONCE_PLUGIN_MIN_HOST_MINOR (SCONCE_PLUGIN_ABI_MINOR + 1)
#define BENT_NAME "needs-newer"
#include "tests/plugins/bent.h"
