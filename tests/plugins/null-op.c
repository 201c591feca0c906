/* SPDX-License-Identifier: Apache-2.0 */
/* One required operation is missing. */
#define BENT_NAME "null-op"
#define BENT_OPS PART_OPS, .vcpu_run = NULL
#include "tests/plugins/bent.h"
