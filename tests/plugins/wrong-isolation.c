/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor claims more than the note: the note decided that it may be loaded. */
#define BENT_NAME "wrong-isolation"
#define BEND(d) (d)->isolation = "vm"
#include "tests/plugins/bent.h"
