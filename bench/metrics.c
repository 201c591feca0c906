/* SPDX-License-Identifier: Apache-2.0 */
/* The rows, their targets, and how long each is measured. */
#include "metric.h"

#include <stdio.h>
#include <string.h>

#include "work/work.h"

#define CALL(name_, ours_, floor_, kvm_, process_, steps_, open_)                                  \
    {                                                                                              \
        .name = (name_), .ours = (ours_), .floor = (floor_), .unit = "us", .target = (kvm_),       \
        .process_target = (process_), .plan = {.rounds = 100, .batch = 50, .steps = (steps_)},     \
        .open = (open_), .close = row_call_close                                                   \
    }

/* @back_: what puts the pages back, @scrub_: and the registers. */
#define RESTORE(name_, pages_, target_, back_, scrub_, on_request_)                                \
    {                                                                                              \
        .name = (name_), .axis = "pages", .at = (pages_), .on_request = (on_request_),             \
        .ours = "a call that dirties the pages, and they are put back",                            \
        .floor = "a round trip, and the pages copied", .unit = "us", .target = (target_),          \
        .process_target = (target_), .plan = {.rounds = 60, .batch = 20},                          \
        .open = row_restore_open, .close = row_restore_close, .pages = (pages_), .back = (back_),  \
        .scrub = (scrub_)                                                                          \
    }

/* What a heap of so many MiB makes of it. */
#define HEAP(name_, ours_, mib_, on_request_, open_)                                               \
    {                                                                                              \
        .name = (name_), .ours = (ours_), .floor = "the same with a heap of 16 MiB", .unit = "us", \
        .target = 1.10, .process_target = 1.10, .plan = {.rounds = 60, .batch = 10},               \
        .on_request = (on_request_), .axis = "heap", .at = (mib_), .open = (open_),                \
        .close = row_heap_close, .pages = 64, .heap_mib = (mib_)                                   \
    }

#define CREATE(name_, mib_, on_request_)                                                           \
    {                                                                                              \
        .name = (name_), .ours = "make, call, free",                                               \
        .floor = "made with as much memory, one doorbell, taken back", .unit = "us",               \
        .target = 1.20, .process_target = 1.20, .plan = {.rounds = 60, .batch = 3},                \
        .on_request = (on_request_), .axis = "heap", .at = (mib_), .open = row_start_open,         \
        .close = row_start_close, .heap_mib = (mib_)                                               \
    }

/* What so many others that are alive make of it. */
#define ALIVE(sandboxes_)                                                                          \
    {                                                                                              \
        .name = "alive." #sandboxes_, .ours = "a call of the next of so many sandboxes",           \
        .floor = "of ten", .unit = "us", .target = 1.5, .process_target = 1.5,                     \
        .plan = {.rounds = 100, .batch = 50}, .on_request = true, .axis = "alive",                 \
        .at = (sandboxes_), .open = row_alive_open, .close = row_alive_close                       \
    }

#define ALIVE_MEMORY(sandboxes_)                                                                   \
    {                                                                                              \
        .name = "alive.memory." #sandboxes_, .ours = "one of so many sandboxes",                   \
        .floor = "one of 1000", .unit = "KiB", .target = 1.1, .process_target = 1.1,               \
        .plan = {.rounds = 6, .batch = 1}, .on_request = true, .axis = "alive",                    \
        .at = (sandboxes_), .open = row_alive_memory_open, .close = row_alive_memory_close         \
    }

/* @load_: the guest's file, each time. @snapshot_: what a sandbox begins as. */
#define START(name_, ours_, target_, load_, snapshot_)                                             \
    {                                                                                              \
        .name = (name_), .ours = (ours_), .floor = "made, one doorbell, taken back", .unit = "us", \
        .target = (target_), .process_target = (target_), .plan = {.rounds = 150, .batch = 3},     \
        .open = row_start_open, .close = row_start_close, .load = (load_),                         \
        .from_snapshot = (snapshot_)                                                               \
    }

#define COMPUTE(name_, export_, work_, turns_, avx2_)                                              \
    {                                                                                              \
        .name = (name_), .ours = "a call of the guest's function", .floor = "the same, native",    \
        .unit = "us", .target = 1.03, .process_target = 1.03, .plan = {.rounds = 60, .batch = 3},  \
        .open = row_compute_open, .close = row_compute_close, .export_name = (export_),            \
        .work = (work_), .turns = (turns_), .needs_avx2 = (avx2_)                                  \
    }

const struct metric metrics[] = {
    CALL("call.null", "a call", "a round trip", 1.10, 1.20, true, row_call_null_open),
    CALL("call.host", "a call that calls the host", "two round trips", 1.10, 1.10, true,
         row_call_host_open),
    CALL("call.bytes", "a call, 24 KiB in, 8 KiB out", "a round trip and the copies", 1.15, 1.15,
         false, row_call_bytes_open),
    {.name = "call.exitless",
     .ours = "a call by memory",
     .floor = "a word there, and back",
     .unit = "us",
     .target = 1.5,
     .process_target = 1.5,
     .plan = {.rounds = 60, .batch = 3},
     .by_memory = true,
     .open = row_exitless_open,
     .close = row_exitless_close},
    RESTORE("rewind.1", 1, 1.15, sconce_sandbox_rewind, false, false),
    RESTORE("rewind.4", 4, 1.15, sconce_sandbox_rewind, false, true),
    RESTORE("rewind.16", 16, 1.15, sconce_sandbox_rewind, false, true),
    RESTORE("rewind.64", 64, 1.20, sconce_sandbox_rewind, false, false),
    RESTORE("rewind.256", 256, 1.20, sconce_sandbox_rewind, false, false),
    RESTORE("rewind.1024", 1024, 1.20, sconce_sandbox_rewind, false, true),
    RESTORE("restore.1", 1, 1.15, sconce_sandbox_restore, true, false),
    RESTORE("restore.4", 4, 1.15, sconce_sandbox_restore, true, true),
    RESTORE("restore.16", 16, 1.15, sconce_sandbox_restore, true, true),
    RESTORE("restore.64", 64, 1.20, sconce_sandbox_restore, true, false),
    RESTORE("restore.256", 256, 1.20, sconce_sandbox_restore, true, false),
    RESTORE("restore.1024", 1024, 1.20, sconce_sandbox_restore, true, true),
    {.name = "pool.turn",
     .ours = "take, a call that dirties a page, give",
     .floor = "a round trip, and a page copied",
     .unit = "us",
     .target = 1.5,
     .process_target = 1.5,
     .plan = {.rounds = 60, .batch = 20},
     .open = row_pool_open,
     .close = row_pool_close,
     .pages = 1},
    START("start.cold", "load, make, call, free", 1.25, true, false),
    START("start.sandbox", "make, call, free", 1.25, false, false),
    START("start.snapshot", "make from a snapshot, call, free", 1.3, false, true),
    HEAP("heap.snapshot.16", "a snapshot, 64 pages being touched", 16, true,
         row_heap_snapshot_open),
    HEAP("heap.snapshot.64", "a snapshot, 64 pages being touched", 64, true,
         row_heap_snapshot_open),
    HEAP("heap.snapshot.256", "a snapshot, 64 pages being touched", 256, true,
         row_heap_snapshot_open),
    HEAP("heap.snapshot.1024", "a snapshot, 64 pages being touched", 1024, false,
         row_heap_snapshot_open),
    HEAP("heap.restore.16", "a call that dirties 64 pages, and they are put back", 16, true,
         row_heap_restore_open),
    HEAP("heap.restore.64", "a call that dirties 64 pages, and they are put back", 64, true,
         row_heap_restore_open),
    HEAP("heap.restore.256", "a call that dirties 64 pages, and they are put back", 256, true,
         row_heap_restore_open),
    HEAP("heap.restore.1024", "a call that dirties 64 pages, and they are put back", 1024, false,
         row_heap_restore_open),
    CREATE("heap.create.16", 16, true),
    CREATE("heap.create.64", 64, true),
    CREATE("heap.create.256", 256, true),
    CREATE("heap.create.1024", 1024, false),
    {.name = "kick",
     .ours = "a kick, until the call is back",
     .floor = "a signal, until the guest is",
     .unit = "us",
     .target = 1.3,
     .process_target = 1.3,
     .plan = {.rounds = 60, .batch = 5},
     .open = row_kick_open,
     .close = row_kick_close},
    COMPUTE("compute.int", "compute_int", work_int, 3000, false),
    COMPUTE("compute.sha256", "compute_sha256", work_sha256, 24, false),
    COMPUTE("compute.avx", "compute_avx", work_avx, 2000, true),
    COMPUTE("compute.memcpy", "compute_memcpy", work_memcpy, 8, false),
    ALIVE(10),
    ALIVE(100),
    ALIVE(1000),
    ALIVE(5000),
    ALIVE_MEMORY(2000),
    ALIVE_MEMORY(5000),
    {.name = "memory.idle",
     .ours = "an idle sandbox",
     .floor = "an idle guest",
     .unit = "KiB",
     .target = 1.2,
     .process_target = 1.2,
     .plan = {.rounds = 7, .batch = 1},
     .on_request = true,
     .open = row_memory_open,
     .close = row_memory_close},
};
const size_t metric_count = sizeof metrics / sizeof metrics[0];

int metric_floor_failed(const struct floor_error *err)
{
    fprintf(stderr, "bench: floor: %s: %s\n", err->what, strerror(err->number));
    return -1;
}
