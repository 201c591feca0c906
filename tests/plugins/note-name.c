/* SPDX-License-Identifier: Apache-2.0 */
/* The note has another name than the file. */
#define BENT_NAME "other"
#include "tests/plugins/bent.h"
