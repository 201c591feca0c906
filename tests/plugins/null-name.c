/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor has no name. */
#define BENT_NAME "null-name"
#define BEND(d) (d)->name = NULL
#include "tests/plugins/bent.h"
