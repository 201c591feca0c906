/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the turn word (sconce-guest-abi.h, SCONCE_TURN_ANSWERED). The guest may write
 * the word at any time, and whatever it likes: what is read here is a hint, good for nothing but to
 * treat the guest as one that has rung.
 */
#ifndef SCONCE_CORE_TURN_H
#define SCONCE_CORE_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sconce-guest-abi.h"

/* What is taken off OUT for the word: cache lines that nothing else is in, adjacent ones too. */
#define SCONCE_TURN_BYTES 128u

struct sconce_turn {
    _Atomic uint32_t *word;  /* in guest memory, writable by the guest */
    _Atomic uint32_t *spins; /* in the boot page, which it only reads */
};

/** sconce_turn_rung - the doorbell that was rung and is not answered; 0: none. What the guest wrote
 * before it is there. */
static inline uint32_t sconce_turn_rung(const struct sconce_turn *turn)
{
    uint32_t word = atomic_load_explicit(turn->word, memory_order_acquire);

    return word < 8 && (SCONCE_TURN_DOORBELLS >> word & 1) ? word : 0;
}

/** sconce_turn_answer - the guest may go on; what the host wrote before it is there. False: it does
 * not wait here for that, and is left alone. */
bool sconce_turn_answer(const struct sconce_turn *turn, uint32_t number);

/** sconce_turn_ask - whichever doorbell is rung, have it rung by an exit. */
void sconce_turn_ask(const struct sconce_turn *turn);

/** sconce_turn_asleep - did the guest say that it rings by an exit, having tried without? */
static inline bool sconce_turn_asleep(const struct sconce_turn *turn)
{
    return atomic_load_explicit(turn->word, memory_order_relaxed) == SCONCE_TURN_ASLEEP;
}

/** sconce_turn_clear - nothing is rung. Only while the guest does not run. */
void sconce_turn_clear(const struct sconce_turn *turn);

/** sconce_turn_let - from its next doorbell on the guest looks @spins times. */
void sconce_turn_let(const struct sconce_turn *turn, uint32_t spins);

#endif
