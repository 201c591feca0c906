/* SPDX-License-Identifier: Apache-2.0 */
/* A reserved field is in use. */
#define BENT_NAME "reserved"
#define BEND(d) (d)->reserved0 = 1
#include "tests/plugins/bent.h"
