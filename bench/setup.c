/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <stdio.h>
#include <string.h>

/* Text, constants, data with heap, stack, the call's two buffers as one, and the signal stack. */
#define MAPPINGS 6

int setup_floor_failed(const struct floor_error *err)
{
    fprintf(stderr, "bench: floor: %s: %s\n", err->what, strerror(err->number));
    return -1;
}

const char *setup_name(const struct setup *setup)
{
    return setup->subject.backend.name ? setup->subject.backend.name : "";
}

bool setup_open(struct setup *setup, int argc, char **argv, const struct measure_plan *plan,
                int *ret_status)
{
    struct floor_error err;

    *setup = (struct setup){
        .options = {.program = argv[0],
                    .guest = BENCH_GUEST,
                    .plugin_dir = BENCH_PLUGIN_DIRECTORY,
                    .mappings = MAPPINGS,
                    .plan = *plan},
        .zygote = {.socket = -1},
    };
    if (!options_parse(argc, argv, &setup->options, ret_status))
        return false;
    *ret_status = options_pin(&setup->options);
    if (*ret_status != STATUS_OK)
        return false;
    if (setup->options.backend) {
        *ret_status = subject_open(&setup->subject, &setup->options);
        if (*ret_status != STATUS_OK)
            return false;
    }
    if (floor_zygote_start(BENCH_ZYGOTE, &setup->zygote, &err) < 0) {
        setup_floor_failed(&err);
        *ret_status = STATUS_NO_FLOOR;
        return false;
    }
    return true;
}

void setup_close(struct setup *setup)
{
    floor_zygote_stop(&setup->zygote);
    subject_close(&setup->subject);
}
