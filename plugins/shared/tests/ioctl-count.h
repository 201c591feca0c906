/* SPDX-License-Identifier: Apache-2.0 */
/* What a doorbell costs in ioctls: a definition of ioctl(2) in the test program, which comes before
 * libc's for the plugin too. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_IOCTL_COUNT_H
#define SCONCE_PLUGINS_SHARED_TESTS_IOCTL_COUNT_H

#include "plugins/shared/tests/arch.h"

/** expect_doorbell_ioctls - between two doorbells there are @count calls. */
void expect_doorbell_ioctls(unsigned count);

/** ioctl_count - how many there were. */
unsigned ioctl_count(void);

#endif
