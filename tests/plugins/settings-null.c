/* SPDX-License-Identifier: Apache-2.0 */
/* It counts settings and lists none. */
#define BENT_NAME "settings-null"
#define BENT_OPS PART_OPS, .setting_count = 2
#include "tests/plugins/bent.h"
