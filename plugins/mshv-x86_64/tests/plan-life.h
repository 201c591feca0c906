/* SPDX-License-Identifier: Apache-2.0 */
/* A little life of a VM, as a host has it, in which a call of the driver may go wrong. */
#ifndef SCONCE_PLUGINS_MSHV_X86_64_TESTS_PLAN_LIFE_H
#define SCONCE_PLUGINS_MSHV_X86_64_TESTS_PLAN_LIFE_H

#include "plugins/shared/tests/fake-host.h"

/* How it ended. */
enum life {
    LIFE_WHOLE, /* all of it was right */
    LIFE_TOLD,  /* an op failed, and said so */
    LIFE_WRONG, /* neither */
};

/**
 * life_live - probe, create, map, enter, ring and call, be kicked, reset, all that again, destroy.
 * @any_exit: the hypervisor may send messages that are not true: a guest may end in any way then.
 * @ret_words: what was told, or what was wrong.
 */
enum life life_live(bool any_exit, const char **ret_words);

/* Called when the probe is over, unless NULL. */
extern void (*life_probed)(void);

/** life_init - once, before the first one: takes SIGUSR1, which is the kick, and SIGUSR2. */
void life_init(void);

#endif
