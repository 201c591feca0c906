/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor uses another mechanism than the note says. */
#define BENT_NAME "wrong-mechanism"
#define BEND(d) (d)->mechanism = "kvm"
#include "tests/plugins/bent.h"
