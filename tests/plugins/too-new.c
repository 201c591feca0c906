/* SPDX-License-Identifier: Apache-2.0 */
/* Built against a header of a later major: its note says so, and it is never run. */
#include "sconce-plugin.h"
#undef SCONCE_PLUGIN_ABI_MAJOR
#define SCONCE_PLUGIN_ABI_MAJOR 9
#define BENT_NAME "too-new"
#include "tests/plugins/bent.h"
