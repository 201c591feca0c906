/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that ends before the operations. */
#define BENT_NAME "short-descriptor"
#define BEND(d) (d)->size = 16
#include "tests/plugins/bent.h"
