/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox: one VM, its memory, its state. Shared by the files that make it (sandbox.c), call it
 * (call.c, host-call.c) and copy it (snapshot.c).
 *
 * Whoever uses a sandbox holds it (sconce_sandbox_hold) and so has it to itself; only kicks and
 * sconce_sandbox_state come from outside.
 */
#ifndef SCONCE_CORE_SANDBOX_H
#define SCONCE_CORE_SANDBOX_H

#include <stdatomic.h>

#include "core/arena.h"
#include "core/frame.h"
#include "core/guest.h"
#include "core/layout.h"
#include "core/run.h"
#include "core/vm.h"

/* Where the guest wants to be entered after a restore; as its last READY frame said, checked. */
struct sconce_resume {
    uint64_t pc; /* 0: it gave none */
    uint64_t sp;
    uint64_t tls;
};

/* Bytes that grow and are used again: results, host-function arguments. */
struct sconce_scratch {
    uint8_t *data;
    size_t bytes;
};

/* An import of the guest's and the host's offer that serves it. */
struct sconce_binding {
    const struct sconce_image_function *import;
    const struct sconce_host_function *offer;
};

struct sconce_sandbox {
    uint32_t process;
    atomic_bool held;
    _Atomic uint32_t state; /* SCONCE_STATE_* */
    struct sconce_guest *guest;
    struct sconce_layout layout;
    struct sconce_limits limits; /* in effect, all set */
    struct sconce_arena arena;
    struct sconce_vm vm;
    struct sconce_run run;
    struct sconce_buffer in, out; /* of the arena */
    struct sconce_resume resume;
    uint64_t generation;
    struct sconce_binding *bindings;        /* by the guest's import index */
    struct sconce_host_function *functions; /* own copies of the offers */
    uint32_t function_count;
    sconce_print_fn print;
    void *print_ctx;
    struct sconce_scratch result;    /* what the last call's result points to */
    struct sconce_scratch host_args; /* what a host function's arguments point to */
    struct sconce_stats stats;
};

/** sconce_sandbox_hold - take the sandbox for the calling thread. FORKED, BUSY. */
int sconce_sandbox_hold(struct sconce_sandbox *sandbox, struct sconce_error *err);
void sconce_sandbox_release(struct sconce_sandbox *sandbox);

void sconce_sandbox_set_state(struct sconce_sandbox *sandbox, uint32_t state);

/** sconce_scratch_reserve - room for @bytes; what was there is lost. NULL when memory is out. */
uint8_t *sconce_scratch_reserve(struct sconce_scratch *scratch, size_t bytes);

/** sconce_sandbox_write_boot - fill the boot page with the generation and a fresh seed. */
int sconce_sandbox_write_boot(struct sconce_sandbox *sandbox, struct sconce_error *err);

/** sconce_sandbox_enter - set where the vCPU starts; only after creation or a reset. */
int sconce_sandbox_enter(struct sconce_sandbox *sandbox, const struct sconce_resume *at,
                         struct sconce_error *err);

/* ---- call.c --------------------------------------------------------------------------------- */

/**
 * sconce_sandbox_run_to_ready - run the guest until its READY doorbell, serving what it asks for.
 * @ret_message: the frame that came with it: READY, RETURN or FAILED.
 * Sets the state to READY, POISONED or DEAD as the outcome says.
 */
int sconce_sandbox_run_to_ready(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                                struct sconce_error *err);

/* ---- host-call.c ---------------------------------------------------------------------------- */

/** sconce_host_call_serve - answer the HOST_CALL that lies in OUT. Errors poison the sandbox. */
int sconce_host_call_serve(struct sconce_sandbox *sandbox, struct sconce_error *err);

/** sconce_print_serve - deliver the PRINT that lies in OUT. @printed counts this call's bytes. */
int sconce_print_serve(struct sconce_sandbox *sandbox, uint64_t *printed, struct sconce_error *err);

/** sconce_bind_imports - fill sandbox->bindings; SCONCE_E_NO_IMPORT names each that is missing. */
int sconce_bind_imports(struct sconce_sandbox *sandbox,
                        const struct sconce_host_function *functions, uint32_t count,
                        struct sconce_error *err);

#endif
