/* SPDX-License-Identifier: Apache-2.0 */
/* It cannot do without something that a later minor has. */
#define BENT_NAME "needs-newer"
#define BEND(d) (d)->min_host_minor = SCONCE_PLUGIN_ABI_MINOR + 1
#include "tests/plugins/bent.h"
