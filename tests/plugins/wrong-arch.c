/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor is for another architecture than the note says. */
#define BENT_NAME "wrong-arch"
#define BENT_ARCH "x86_64"
#define BEND(d) (d)->arch = "aarch64"
#include "tests/plugins/bent.h"
