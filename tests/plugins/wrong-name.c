/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor has another name than the note. */
#define BENT_NAME "wrong-name"
#define BEND(d) (d)->name = "other"
#include "tests/plugins/bent.h"
