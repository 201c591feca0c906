/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor speaks another minor than the note says. */
#define BENT_NAME "abi-minor"
#define BEND(d) (d)->abi_minor = SCONCE_PLUGIN_ABI_MINOR + 1
#include "tests/plugins/bent.h"
