/* SPDX-License-Identifier: Apache-2.0 */
/* A kind of isolation that nobody knows. */
#define BENT_NAME "isolation-word"
#define BENT_ISOLATION "container"
#include "tests/plugins/bent.h"
