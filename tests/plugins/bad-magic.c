/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that was built for another program. */
#define BENT_NAME "bad-magic"
#define BEND(d) (d)->magic = 0xdeadbeefu
#include "tests/plugins/bent.h"
