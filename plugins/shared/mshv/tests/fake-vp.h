/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's registers by name, in the place of a hypervisor: what is set is what is read. One VP. */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_TESTS_FAKE_VP_H
#define SCONCE_PLUGINS_SHARED_MSHV_TESTS_FAKE_VP_H

#include "plugins/shared/mshv/tests/fake-mshv.h"

/** hv_reg - the VP's register of that name. */
struct mshv_value *hv_reg(uint32_t name);
extern unsigned gets, sets; /* registers that were read, and written, by hypercall */

/** fake_vp_start_over - a driver to which nothing has happened, and a VP that is all zero. */
int fake_vp_start_over(void **state);

/** fake_vp_repetition - fake.repetition, until a test has its own. */
void fake_vp_repetition(uint16_t code, const void *head, const void *in, void *out);

#endif
