/* SPDX-License-Identifier: Apache-2.0 */
/* How many guests of this process may spin on a processor of their own at once. */
#ifndef SCONCE_CORE_SPARE_H
#define SCONCE_CORE_SPARE_H

#include <stdbool.h>
#include <stdint.h>

/** sconce_spare_most - half of the processors that the calling thread may run on: each such guest
 * takes one, and its caller another. */
uint32_t sconce_spare_most(void);

/** sconce_spare_take - one more, if that is not more than @most. Any thread. */
bool sconce_spare_take(uint32_t most);
void sconce_spare_give(void);

#endif
