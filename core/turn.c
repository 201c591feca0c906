/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turn.h"

bool sconce_turn_answer(const struct sconce_turn *turn, uint32_t number)
{
    uint32_t rung = number;

    return atomic_compare_exchange_strong_explicit(turn->word, &rung, SCONCE_TURN_ANSWERED,
                                                   memory_order_acq_rel, memory_order_acquire);
}

void sconce_turn_ask(const struct sconce_turn *turn)
{
    uint32_t rung = sconce_turn_rung(turn);

    /* It fails when the guest fell asleep meanwhile, or does not keep to the rules. */
    if (rung)
        atomic_compare_exchange_strong_explicit(turn->word, &rung, SCONCE_TURN_ASLEEP,
                                                memory_order_acq_rel, memory_order_acquire);
}

void sconce_turn_clear(const struct sconce_turn *turn)
{
    atomic_store_explicit(turn->word, 0, memory_order_relaxed);
}

void sconce_turn_let(const struct sconce_turn *turn, uint32_t spins)
{
    /* Written only when it changes: the guest's copy of the line stays good. */
    if (atomic_load_explicit(turn->spins, memory_order_relaxed) != spins)
        atomic_store_explicit(turn->spins, spins, memory_order_relaxed);
}
