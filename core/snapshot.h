/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot in memory is: the STATE (baseline.h), where to resume, and what system calls have
 * changed on the host's side. Registers are in none: a guest at READY relies on PC, SP and TLS
 * alone. For the files of the core that take one (snapshot.c), put one back (restore.c), make a
 * sandbox of one (sandbox.c), and take one apart (snapshot-parts.c). It is not changed after it was
 * made, so any thread may read it.
 */
#ifndef SCONCE_CORE_SNAPSHOT_H
#define SCONCE_CORE_SNAPSHOT_H

#include "core/baseline.h"
#include "core/sandbox.h"

struct sconce_snapshot {
    uint64_t id; /* of this one alone, in this process; not 0 */
    uint32_t process;
    struct sconce_guest *guest;
    struct sconce_layout layout;
    struct sconce_resume resume;
    struct sconce_personality_state system; /* what system calls have changed */
    struct sconce_fault_handler fault_handler;
    uint64_t generation; /* the guest's when it was taken */
    struct sconce_baseline baseline;
};

/** sconce_snapshot_new - one of @guest that is still to be filled; NULL when memory is out. */
struct sconce_snapshot *sconce_snapshot_new(struct sconce_guest *guest, struct sconce_error *err);

/**
 * sconce_snapshot_track - @sandbox's memory is what @snapshot has, and what is written from now on
 * is kept track of where the backend can: the next way back to @snapshot then costs what was
 * written. Where it cannot nothing is lost but time.
 */
void sconce_snapshot_track(const struct sconce_snapshot *snapshot, struct sconce_sandbox *sandbox);

/**
 * sconce_snapshot_start - make a new sandbox, whose memory is still zero and whose vCPU is still to
 * be entered, what @snapshot says. INVALID where it does not fit, FORKED, NO_MEMORY.
 */
int sconce_snapshot_start(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot,
                          struct sconce_error *err);

/** sconce_snapshot_limits - set those of @limits that a layout depends on to the snapshot's. */
void sconce_snapshot_limits(const struct sconce_snapshot *snapshot, struct sconce_limits *limits);

#endif
