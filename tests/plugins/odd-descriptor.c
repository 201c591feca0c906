/* SPDX-License-Identifier: Apache-2.0 */
/* A size that cuts a pointer in half. */
#define BENT_NAME "odd-descriptor"
#define BEND(d) (d)->size = 68
#include "tests/plugins/bent.h"
