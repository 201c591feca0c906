/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here know of an architecture, beside plugins/shared/tests/arch.h. The backend's
 * tests/guests.c has it, and its tests/NAME-cases.c the arch_tests of test-NAME.c. */
#ifndef SCONCE_PLUGINS_PROCESS_TESTS_GUESTS_H
#define SCONCE_PLUGINS_PROCESS_TESTS_GUESTS_H

#include "plugins/shared/tests/arch.h"

/* data[] are the words at DATA_GPA. */
DECLARE_GUEST(three_bells);    /* rings 1, 2, 3 */
DECLARE_GUEST(bells_and_call); /* rings 1 and 2; system call 39; rings 3 when its result is -38 */
DECLARE_GUEST(count_on);       /* for ever: adds 1 to "kept" and then to data[0] */
/* Rings 1; blocks every signal, by the stub's return from a frame of its own making; adds 1 to
 * data[0] for ever. */
DECLARE_GUEST(deaf);
DECLARE_GUEST(run_data); /* rings 1; writes a return at DATA_GPA, and jumps there */
DECLARE_GUEST(read_far); /* reads the last word of its data; rings 1 */

/** show_fault_address - of the last fault, as the special registers tell it. */
uint64_t show_fault_address(struct fake_guest *guest);

#endif
