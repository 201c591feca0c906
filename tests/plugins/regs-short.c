/* SPDX-License-Identifier: Apache-2.0 */
/* Its regs extension ends before its functions. */
#include <string.h>

#include "sconce-ext-regs.h"

static const void *get_extension(const char *id)
{
    static const struct sconce_ext_regs regs = {.size = 8};

    return strcmp(id, SCONCE_EXT_REGS) == 0 ? &regs : NULL;
}

#define BENT_NAME "regs-short"
#define BENT_EXTENSION get_extension
#include "tests/plugins/bent.h"
