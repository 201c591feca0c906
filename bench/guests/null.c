/* SPDX-License-Identifier: Apache-2.0 */
/* The guest of the benchmarks: its one function does nothing, so that a call costs a call. */
#include <sconce/guest.h>

SCONCE_EXPORT(void, nothing, (void))
{
}
