/* SPDX-License-Identifier: Apache-2.0 */
/* What every benchmark begins and ends with: options, processor, the floor's zygote, the subject.
 */
#ifndef SCONCE_BENCH_SETUP_H
#define SCONCE_BENCH_SETUP_H

#include "floor/process.h"
#include "options.h"
#include "subject.h"

struct setup {
    struct options options;
    struct floor_zygote zygote;
    struct subject subject; /* empty when no backend was asked for */
};

/**
 * setup_open - @plan is the default one.
 * Returns true, or false and the status to end with; setup_close is right after both.
 */
bool setup_open(struct setup *setup, int argc, char **argv, const struct measure_plan *plan,
                int *ret_status);

void setup_close(struct setup *setup);

/** setup_floor_failed - tell on stderr what failed. Returns -1. */
int setup_floor_failed(const struct floor_error *err);

/** setup_name - what the table calls the subject. */
const char *setup_name(const struct setup *setup);

#endif
