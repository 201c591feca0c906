/* SPDX-License-Identifier: Apache-2.0 */
/* Writing guests for aarch64. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_AARCH64_CODE_H
#define SCONCE_PLUGINS_SHARED_TESTS_AARCH64_CODE_H

#include "plugins/shared/tests/fake-host.h"
#include "sconce-regs-aarch64.h"

#define BELL(number) "mov x0, #" #number "\n svc #0x5c0e\n"

/* X20 is DATA_GPA. */
#define DATA "movz x20, #0x42, lsl #16\n"

/* Any 64-bit value into a register, without a pool of literals: the code is copied. */
#define SET(reg, h3, h2, h1, h0)                                                                   \
    "movz " #reg ", #" #h3 ", lsl #48\n movk " #reg ", #" #h2 ", lsl #32\n movk " #reg ", #" #h1   \
    ", lsl #16\n movk " #reg ", #" #h0 "\n"

#endif
