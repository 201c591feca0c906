/* SPDX-License-Identifier: Apache-2.0 */
/* The rows, their targets, and how long each is measured. */
#include "metric.h"

#include <stdio.h>
#include <string.h>

#define CALL(name_, ours_, floor_, kvm_, process_, open_)                                          \
    {                                                                                              \
        .name = (name_), .ours = (ours_), .floor = (floor_), .unit = "us", .target = (kvm_),       \
        .process_target = (process_), .plan = {.rounds = 100, .batch = 50}, .open = (open_),       \
        .close = row_call_close                                                                    \
    }

#define START(name_, ours_, load_)                                                                 \
    {                                                                                              \
        .name = (name_), .ours = (ours_), .floor = "made, one doorbell, taken back", .unit = "us", \
        .target = 1.25, .process_target = 1.25, .plan = {.rounds = 60, .batch = 3},                \
        .open = row_start_open, .close = row_start_close, .load = (load_)                          \
    }

const struct metric metrics[] = {
    CALL("call.null", "a call", "a round trip", 1.10, 1.20, row_call_null_open),
    CALL("call.host", "a call that calls the host", "two round trips", 1.10, 1.10,
         row_call_host_open),
    CALL("call.bytes", "a call, 24 KiB in, 8 KiB out", "a round trip and the copies", 1.15, 1.15,
         row_call_bytes_open),
    START("start.cold", "load, make, call, free", true),
    START("start.sandbox", "make, call, free", false),
};
const size_t metric_count = sizeof metrics / sizeof metrics[0];

int metric_floor_failed(const struct floor_error *err)
{
    fprintf(stderr, "bench: floor: %s: %s\n", err->what, strerror(err->number));
    return -1;
}
