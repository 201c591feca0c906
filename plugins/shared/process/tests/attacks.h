/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks of the guest "hostile" on its stub: the list, with what may come of each, and a
 * sandbox to try them on. What holds for all of them is checked here. Everything fails the running
 * test by itself.
 */
#ifndef SCONCE_PROCESS_TESTS_ATTACKS_H
#define SCONCE_PROCESS_TESTS_ATTACKS_H

#include "tests/e2e/e2e.h"

#include <sys/types.h>

#define ATTACK_MAX_ARGS 8u

/* What may come of an attack. LIMIT is the deadline. */
#define OUTCOME_OK 1u
#define OUTCOME_FAULT 2u
#define OUTCOME_LIMIT 4u
#define OUTCOME_KICKED 8u
#define OUTCOME_EXIT 16u
#define OUTCOME_PROTOCOL 32u

#define KIND(name) (1u << SCONCE_FAULT_##name)
/* What a sandbox ends with whose reports were tampered with, or whose process was killed: "the
 * guest shut its machine down". */
#define KIND_SHUTDOWN KIND(OTHER)
#define KIND_ANY UINT32_MAX

struct attack {
    const char *function;
    uint64_t args[ATTACK_MAX_ARGS]; /* as many as the function has */
    uint32_t outcomes;              /* OUTCOME_* */
    uint32_t kinds;                 /* KIND() of its faults; 0 where there is to be none */
};

typedef void attack_fn(void *ctx, const struct attack *attack);

/* ---- process-ARCH/tests/attacks.c, attack-tables.c --------------------------------------------
 */

/* Those that are told one by one and are its alone: that end by themselves, and the others. */
extern const struct attack attacks_told[], attacks_hanging[];
extern const size_t attacks_told_count, attacks_hanging_count;

/** attacks_of_machine - more of the first kind, by what the kernel has. */
const struct attack *attacks_of_machine(size_t *ret_count);

/** attack_is_stubs_call - does @line of strace's, with raw arguments, tell of a system call that
 * only this architecture's stub makes? */
bool attack_is_stubs_call(const char *line);

/* What it adds to those that are made of tables. */
struct attack_tables {
    /* System calls that the stub does not make, beside those that no stub does. */
    const uint64_t *other_numbers;
    size_t other_number_count;
    /* What the kernel or the processor may refuse, by field of a signal frame. */
    const struct attack_field {
        uint32_t field;
        uint64_t value;
    } * fields;
    size_t field_count;
    /* More stack pointers, and whether they count from the frame. */
    const struct attack_stack {
        uint64_t sp;
        bool of_frame;
    } * stacks;
    size_t stack_count;
    uint32_t made_up_kinds; /* of THEN_REPORT_FRAME behind a doorbell */
};
extern const struct attack_tables attack_tables;

/* ---- process-ARCH/tests/attack-registers.c: of the host itself ---------------------------------
 */

void attack_pause(void); /* a moment, not a switch to somebody else */
/** attack_fill_vectors - SIMD registers that a program without other use for them leaves alone. */
void attack_fill_vectors(uint64_t pattern);
bool attack_vectors_are_filled(uint64_t pattern);

/* ---- All architectures ------------------------------------------------------------------------
 */

/** attacks_each - call @fn for every attack that ends by itself, or (@hang) for every other. */
void attacks_each(bool hang, attack_fn *fn, void *ctx);
/** attacks_each_made - the same for those that are made of tables; for attacks_each(). */
void attacks_each_made(attack_fn *fn, void *ctx);

/* A sandbox to attack, a snapshot of it, and a neighbour that was there before. */
struct target {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest, *neighbour_guest;
    struct sconce_sandbox *sandbox, *neighbour;
    struct sconce_snapshot *clean;
    uint64_t checksum;
    uint64_t neighbour_calls;
    pid_t zygote, neighbour_process;

    /* Called once an attack, when its guest says that it is about to begin, in a host function. */
    void (*at_attack)(struct target *target);
    void *ctx;
    bool begun;
};

void target_open(struct target *target, uint64_t deadline_ns);
void target_close(struct target *target);

/** target_attack - call the attack's function; the call's result. */
int target_attack(struct target *target, const struct attack *attack, struct sconce_error *err);

/** target_expect - @result is one of the attack's outcomes, and the sandbox is not DEAD. */
void target_expect(struct target *target, const struct attack *attack, int result,
                   const struct sconce_error *err);

/** target_recover - restore the sandbox: memory, registers, calls and neighbour are as before. */
void target_recover(struct target *target, const struct attack *attack);

/** target_process - of the sandbox that is attacked. */
pid_t target_process(const struct target *target);

#endif
