/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox: one VM, its memory, its state. Shared by the files that make it (sandbox.c), call it
 * (call.c, exits.c, nested.c, host-call.c) and copy it (snapshot.c), and hand data to it
 * (window.c).
 *
 * Whoever uses a sandbox holds it (sconce_sandbox_hold) and so has it to itself; only kicks and
 * sconce_sandbox_state come from outside.
 */
#ifndef SCONCE_CORE_SANDBOX_H
#define SCONCE_CORE_SANDBOX_H

#include <stdatomic.h>

#include "core/arena.h"
#include "core/exitless.h"
#include "core/fault-handler.h"
#include "core/frame.h"
#include "core/guest.h"
#include "core/layout.h"
#include "core/run.h"
#include "core/vm.h"
#include "personality/personality.h"

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

/* Strings one behind the other, each with its NUL. */
struct sconce_strings {
    char *data;
    uint64_t bytes;
    uint32_t count;
};

/* What one outermost call has used up of its limits, with all the calls nested in it. */
struct sconce_spent {
    uint64_t host_calls;
    uint64_t traps;
    uint64_t printed;
};

/* What the calls of one nesting depth have for themselves: the outermost, and one for each call
 * that a host function makes in turn. Kept for the next. */
struct sconce_level {
    struct sconce_level *outer, *inner; /* NULL: none, or not needed yet */
    uint64_t call_at;                   /* where its CALL goes, from the start of IN */
    uint64_t reply_at;               /* the same of the answer to the host call that it waits for */
    struct sconce_scratch result;    /* what its last result points to */
    struct sconce_scratch host_args; /* what the arguments of its host function point to */
};

#define SCONCE_NESTING_MAX 1000u /* each takes some kilobytes of the calling thread's stack */

struct sconce_sandbox {
    uint32_t process;
    atomic_bool held;
    _Atomic uint32_t state; /* SCONCE_STATE_* */
    struct sconce_guest *guest;
    struct sconce_layout layout;
    struct sconce_limits limits; /* in effect, all set */
    struct sconce_arena arena;
    struct sconce_stretches touched; /* of it, but for the window, when last surveyed */
    bool wrote_touched;              /* the host has written all of them since */
    uint64_t based_on; /* the snapshot that it is but for what was written; 0: none is known */
    uint64_t shows;    /* the snapshot whose pages arena.shared has; 0: none */
    struct sconce_vm vm;
    struct sconce_run run;
    bool wants_exitless;
    struct sconce_exitless *exitless; /* NULL: each call is an exit */
    struct sconce_buffer in, out;     /* of the arena, but for the turn word behind OUT */
    uint64_t window_used; /* bytes attached, from the window's start; all behind them are zero */
    uint64_t window_held; /* so many from there may hold memory by what was attached */
    struct sconce_resume resume;
    struct sconce_fault_handler fault_handler;
    bool in_fault; /* a fault was delivered in this call, and FAULT_DONE has not come since */
    uint64_t generation;
    uint8_t seed_key[SCONCE_PERSONALITY_SEED_BYTES];
    bool seed_due;                          /* in the boot page, when it next runs */
    struct sconce_binding *bindings;        /* by the guest's import index */
    struct sconce_host_function *functions; /* own copies of the offers */
    uint32_t function_count;
    sconce_print_fn print;
    void *print_ctx;
    sconce_print_fn print_error;
    void *print_error_ctx;
    sconce_input_fn input;
    void *input_ctx;
    sconce_trace_fn trace;
    void *trace_ctx;
    struct sconce_personality personality;
    struct sconce_strings args, env; /* for main; written behind the boot page's head */
    struct sconce_stats stats;
    /* Of the call that runs, for its thread alone: call.c, exits.c, nested.c. */
    struct sconce_spent spent;
    struct sconce_level outermost;
    struct sconce_level *level; /* the innermost call's */
    uint64_t depth;             /* of it; 0: not nested */
    bool serving;               /* a host function runs, and no call in it */
    int ended;                  /* a nested call ended everything so, or 0 */
    struct sconce_error ended_why;
};

/** sconce_sandbox_hold - take the sandbox for the calling thread. FORKED, BUSY. */
int sconce_sandbox_hold(struct sconce_sandbox *sandbox, struct sconce_error *err);
void sconce_sandbox_release(struct sconce_sandbox *sandbox);

void sconce_sandbox_set_state(struct sconce_sandbox *sandbox, uint32_t state);

/** sconce_scratch_reserve - room for @bytes; what was there is lost. NULL when memory is out. */
uint8_t *sconce_scratch_reserve(struct sconce_scratch *scratch, size_t bytes);

/** sconce_sandbox_park - between two calls, before the VM's other ops and all that reads or writes
 * the guest's memory, but for its window, which the guest cannot write: whoever runs on behind
 * READY sees that change at any time. Nothing of the guest runs when this returns. On failure the
 * sandbox is POISONED or DEAD. @patient: false before a restore, which does not depend on where the
 * guest rests: one that computes on is not waited for. */
int sconce_sandbox_park(struct sconce_sandbox *sandbox, bool patient, struct sconce_error *err);

/** sconce_sandbox_wrote - the host has written, or will, [@gpa, @gpa + @bytes). What of it is not
 * the sandbox's own memory is passed over. */
void sconce_sandbox_wrote(struct sconce_sandbox *sandbox, uint64_t gpa, uint64_t bytes);

/** sconce_sandbox_enter - set where the vCPU starts; only after creation or a reset. */
int sconce_sandbox_enter(struct sconce_sandbox *sandbox, const struct sconce_resume *at,
                         struct sconce_error *err);

/* ---- boot.c --------------------------------------------------------------------------------- */

/** sconce_boot_take_strings - copy the arguments and the environment. LIMIT: they do not fit. */
int sconce_boot_take_strings(struct sconce_sandbox *sandbox,
                             const struct sconce_sandbox_options *options,
                             struct sconce_error *err);

/** sconce_boot_write - fill a new sandbox's boot page, with the strings for main behind its head.
 */
int sconce_boot_write(struct sconce_sandbox *sandbox, struct sconce_error *err);

/** sconce_boot_renew - give it the generation, and have the next run begin with a fresh seed; after
 * each restore. @rewound_sp: as the guest ABI has it. */
void sconce_boot_renew(struct sconce_sandbox *sandbox, uint64_t rewound_sp);

/** sconce_boot_seed - the fresh seed, where one is due; a run has begun. */
void sconce_boot_seed(struct sconce_sandbox *sandbox);

/** sconce_boot_end_rewind - the guest has seen that it was rewound, if it was. */
void sconce_boot_end_rewind(const struct sconce_sandbox *sandbox);

/** sconce_boot_tell_window - have the boot page say how much of the window is attached. */
void sconce_boot_tell_window(const struct sconce_sandbox *sandbox);

/* ---- trap.c --------------------------------------------------------------------------------- */

/** sconce_trap_init - clock, random bytes, callbacks and heap for a sandbox that is laid out. */
int sconce_trap_init(struct sconce_sandbox *sandbox, const struct sconce_sandbox_options *options,
                     struct sconce_error *err);

/**
 * sconce_trap_serve - answer one system call of the guest. Of what it prints, all counts, and what
 * exceeds the limit is dropped.
 * Errors end the call: GUEST_EXIT, GUEST_ABORT, FORKED, BACKEND.
 */
int sconce_trap_serve(struct sconce_sandbox *sandbox, const struct sconce_exit_syscall *syscall,
                      struct sconce_error *err);

/* ---- exits.c -------------------------------------------------------------------------------- */

/** sconce_resume_check - may a guest that is laid out so be entered at @pc? GUEST_PROTOCOL. SP and
 * TLS are the backend's to judge: sconce_vm_enter. */
int sconce_resume_check(const struct sconce_layout *layout, uint64_t pc, struct sconce_error *err);

/**
 * sconce_sandbox_run_to_ready - run the guest until its READY doorbell, serving what it asks for.
 * @ret_message: the frame that came with it: READY, RETURN or FAILED.
 * Sets the state to READY, POISONED or DEAD as the outcome says.
 */
int sconce_sandbox_run_to_ready(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                                struct sconce_error *err);

/** sconce_sandbox_run_call - the same to the outcome of the innermost call, whose CALL lies in IN:
 * READY of the outermost, RETURN of a nested one, which leaves the state at RUNNING. */
int sconce_sandbox_run_call(struct sconce_sandbox *sandbox, struct sconce_message *ret_message,
                            struct sconce_error *err);

/* ---- nested.c ------------------------------------------------------------------------------- */

/** sconce_serving_begin - a host function begins, whose answer goes to @reply_at. */
void sconce_serving_begin(struct sconce_sandbox *sandbox, uint64_t reply_at);

/** sconce_serving_end - it has returned. Errors: that of a nested call which ended everything. */
int sconce_serving_end(struct sconce_sandbox *sandbox, struct sconce_error *err);

/** sconce_serves_here - does the calling thread run a host function of this sandbox? */
bool sconce_serves_here(const struct sconce_sandbox *sandbox);

/** sconce_nested_enter - go a level deeper, where one may. BUSY, LIMIT, NO_MEMORY. */
int sconce_nested_enter(struct sconce_sandbox *sandbox, struct sconce_error *err);

/** sconce_nested_leave - back, after a call that gave @result; @why: its error. */
void sconce_nested_leave(struct sconce_sandbox *sandbox, int result,
                         const struct sconce_error *why);

/** sconce_levels_free - with the sandbox. */
void sconce_levels_free(struct sconce_sandbox *sandbox);

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
