/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor speaks another major than the note says. */
#define BENT_NAME "abi-major"
#define BEND(d) (d)->abi_major = SCONCE_PLUGIN_ABI_MAJOR + 1
#include "tests/plugins/bent.h"
