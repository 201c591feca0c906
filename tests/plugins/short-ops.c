/* SPDX-License-Identifier: Apache-2.0 */
/* A table of operations that holds none. */
#define BENT_NAME "short-ops"
#define BENT_OPS PART_OPS, .size = 8
#include "tests/plugins/bent.h"
