/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls without exits: between two doorbells the guest stays in its vCPU and spins on the turn
 * word, and the caller spins on it for the guest's answer. When that is worth it, and when the vCPU
 * runs on the caller's thread as ever, is decided here, run by run.
 *
 * NULL is a sandbox without them, everywhere below. All functions are for the thread that holds the
 * sandbox.
 */
#ifndef SCONCE_CORE_EXITLESS_H
#define SCONCE_CORE_EXITLESS_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/sconce.h>

#include "core/run.h"
#include "core/turn.h"
#include "core/vm.h"

struct sconce_exitless;

/** sconce_exitless_fits - may sandboxes of @backend have it on this machine? Not where the guest
 * is no VM, where others wait for it to come out of the backend, and without a second processor. */
bool sconce_exitless_fits(const struct sconce_backend *backend);

/**
 * sconce_exitless_new - for a VM that is made.
 * @turn's memory, @vm, @run, @stats: borrowed until sconce_exitless_free. Kicks of @run go where
 * the vCPU is from then on.
 * NULL when memory is out.
 */
struct sconce_exitless *sconce_exitless_new(struct sconce_vm *vm, struct sconce_run *run,
                                            const struct sconce_turn *turn,
                                            struct sconce_stats *stats);
void sconce_exitless_free(struct sconce_exitless *exitless);

/** sconce_exitless_begin, _end - around an outermost call, which has a deadline and kicks. With
 * @ok false, nothing runs when end returns: the sandbox is POISONED or DEAD. */
void sconce_exitless_begin(struct sconce_exitless *exitless);
void sconce_exitless_end(struct sconce_exitless *exitless, bool ok);

/** sconce_exitless_run - run the guest to its next exit, as sconce_vm_run does. @ret_rung: it was
 * none, the guest rang the doorbell in @ret_exit without one. GUEST_PROTOCOL is the guest's doing;
 * other errors are sconce_vm_run's. Not NULL. */
int sconce_exitless_run(struct sconce_exitless *exitless, struct sconce_exit *ret_exit,
                        bool *ret_rung, struct sconce_error *err);

/**
 * sconce_exitless_park - between two calls: have the guest rest in its doorbell's exit, so that the
 * VM's other ops may be called and memory is nobody else's.
 * @patient: false where nothing is lost when it is stopped elsewhere: it is not waited for then.
 * GUEST_PROTOCOL: it would not, and rests somewhere else now; others: sconce_vm_run's.
 */
int sconce_exitless_park(struct sconce_exitless *exitless, bool patient, struct sconce_error *err);

/** sconce_exitless_stop - have it rest at once, wherever it is: for a guest that is to be reset. */
void sconce_exitless_stop(struct sconce_exitless *exitless);

#endif
