/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's own handler for its faults: registering it, making the guest enter it, and going on
 * with the registers that it leaves. What counts as a trap, and how a fault is told, is exits.c's.
 */
#ifndef SCONCE_CORE_FAULT_HANDLER_H
#define SCONCE_CORE_FAULT_HANDLER_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/error.h>

#include "sconce-plugin.h"

struct sconce_layout;
struct sconce_sandbox;

/* What the guest has registered, checked. */
struct sconce_fault_handler {
    uint64_t pc; /* 0: none */
    uint64_t stack;
    uint64_t stack_bytes;
};

/** sconce_fault_handler_check - may a guest that is laid out so have that handler, which is one?
 * GUEST_PROTOCOL. */
int sconce_fault_handler_check(const struct sconce_layout *layout,
                               const struct sconce_fault_handler *wanted, struct sconce_error *err);

/** sconce_fault_handler_register - serve the ON_FAULT that lies in OUT. Errors poison. */
int sconce_fault_handler_register(struct sconce_sandbox *sandbox, struct sconce_error *err);

/**
 * sconce_fault_handler_deliver - the guest has just faulted: make it enter its handler.
 * Returns 1 when the next run does, 0 when the fault stands, or an error.
 * @ret_in_handler: the fault is the handler's own; only with 0.
 */
int sconce_fault_handler_deliver(struct sconce_sandbox *sandbox,
                                 const struct sconce_exit_fault *fault, bool *ret_in_handler,
                                 struct sconce_error *err);

/** sconce_fault_handler_runs - does the guest, which stands after an exit, run its handler, on that
 * one's stack? For texts: a guest's registers are what it likes. */
bool sconce_fault_handler_runs(struct sconce_sandbox *sandbox);

/** sconce_fault_handler_done - serve FAULT_DONE: the next run goes on with the registers in the
 * report. SCONCE_E_GUEST_PROTOCOL when there is none, or no guest can have them. */
int sconce_fault_handler_done(struct sconce_sandbox *sandbox, struct sconce_error *err);

#endif
