/* SPDX-License-Identifier: Apache-2.0 */
/* What can be measured: a row each, with what it takes to make its contestants. */
#ifndef SCONCE_BENCH_METRIC_H
#define SCONCE_BENCH_METRIC_H

#include "floor/floor.h"
#include "measure.h"
#include "subject.h"

/* The heap of a sandbox by default, which a floor's guest has room for, too. */
#define METRIC_HEAP_MIB 16u

/* A backend, and the floor that it stands on. */
struct bench {
    struct subject subject;
    struct floor *floor;
};

/* The contestants of a row; the row's own state is behind their ctx. */
enum { CONTEST_FLOOR, CONTEST_OURS, CONTEST_BARE, CONTEST_MOST };
struct contest {
    struct measure_contestant contestants[CONTEST_MOST];
    size_t count; /* with CONTEST_BARE or without */
    unsigned at;  /* where it is drawn: the metric's, but for what the machine has no room for */
    void *state;
};

typedef int (*metric_back_fn)(struct sconce_sandbox *sandbox,
                              const struct sconce_snapshot *snapshot, struct sconce_error *err);
typedef uint64_t (*metric_work_fn)(uint32_t turns);

struct metric {
    const char *name;
    const char *ours; /* what an operation is; and of the floor */
    const char *floor;
    const char *unit; /* "us" of nanoseconds, "KiB" of bytes */
    double target;    /* that the ratio's upper end is to keep to; of kvm, and of process */
    double process_target;
    struct measure_plan plan;
    bool on_request;  /* only where --only or --sweep names it */
    bool by_memory;   /* only where the floor's guests can answer so */
    const char *axis; /* --sweep's name of what it is drawn against; NULL: it is not drawn */
    unsigned at;      /* and where */

    /* Returns 0; 1 when this machine cannot have it, or -1 when something failed, both of which has
     * been told. close is right after all of them. */
    int (*open)(struct bench *bench, const struct metric *metric, struct contest *contest);
    void (*close)(struct contest *contest);

    unsigned pages;          /* rows-restore.c: dirtied by each call */
    metric_back_fn back;     /* and what puts them back */
    bool scrub;              /* registers, too */
    bool load;               /* rows-start.c: the guest's file is loaded each time */
    bool from_snapshot;      /* and: the sandbox begins as one */
    unsigned heap_mib;       /* and, with rows-heap.c: its heap; 0: as by default */
    const char *export_name; /* rows-compute.c: the guest's function, the same here, how much */
    metric_work_fn work;
    uint32_t turns;
    bool needs_avx2; /* of this processor */
};

/* All rows, in the order of the table. */
extern const struct metric metrics[];
extern const size_t metric_count;

/** metric_floor_failed - tell on stderr what failed. Returns -1. */
int metric_floor_failed(const struct floor_error *err);

int row_call_null_open(struct bench *bench, const struct metric *m, struct contest *contest);
int row_call_host_open(struct bench *bench, const struct metric *m, struct contest *contest);
int row_call_bytes_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_call_close(struct contest *contest);
int row_exitless_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_exitless_close(struct contest *contest);
int row_restore_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_restore_close(struct contest *contest);
int row_start_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_start_close(struct contest *contest);
int row_heap_snapshot_open(struct bench *bench, const struct metric *m, struct contest *contest);
int row_heap_restore_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_heap_close(struct contest *contest);
int row_alive_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_alive_close(struct contest *contest);
int row_alive_memory_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_alive_memory_close(struct contest *contest);
int row_pool_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_pool_close(struct contest *contest);
int row_kick_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_kick_close(struct contest *contest);
int row_compute_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_compute_close(struct contest *contest);
int row_memory_open(struct bench *bench, const struct metric *m, struct contest *contest);
void row_memory_close(struct contest *contest);

#endif
