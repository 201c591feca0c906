/* SPDX-License-Identifier: Apache-2.0 */
/* No operations at all. */
#define BENT_NAME "null-ops"
#define BEND(d) (d)->ops = NULL
#include "tests/plugins/bent.h"
