/* SPDX-License-Identifier: Apache-2.0 */
/* What test-scrub.c shares with ARCH/scrub-cases.c: guests that fill and guests that look. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_SCRUB_H
#define SCONCE_PLUGINS_SHARED_TESTS_SCRUB_H

#include "plugins/shared/tests/arch.h"

/* ---- test-scrub.c ---- */

/** scrub_fill - run a filling guest; false when this machine lets no guest use those registers. */
bool scrub_fill(struct fake_guest *guest, const uint8_t *code, const uint8_t *end);

/** scrub_look - run a looking guest in the same vCPU, with zero arguments: all that it sees to the
 * data granule, then it rings 1. */
void scrub_look(struct fake_guest *guest, const uint8_t *code, const uint8_t *end);

bool all_zero(const void *data, size_t bytes);

/* ---- ARCH/scrub-cases.c ---- */

/* Every class of registers that an unprivileged program can write on all machines; rings. */
DECLARE_GUEST(fill_basic);
DECLARE_GUEST(look_basic);

/** scrub_expect_filled, scrub_expect_initial - what all register files hold. */
void scrub_expect_filled(struct fake_guest *guest);
void scrub_expect_initial(struct fake_guest *guest);
/** scrub_expect_nothing_seen - by look_basic. */
void scrub_expect_nothing_seen(const uint64_t *data);

#endif
