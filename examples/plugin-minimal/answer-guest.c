/* SPDX-License-Identifier: Apache-2.0 */
/* A guest for the example: its function's type is what counts. In a VM it would answer 41. */
#include <sconce/guest.h>

SCONCE_EXPORT(int32_t, answer, (void))
{
    return 41;
}
