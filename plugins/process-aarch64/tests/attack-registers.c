/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the host that the attacks' tests are. */
#include "plugins/shared/process/tests/attacks.h"

void attack_pause(void)
{
    __asm__ volatile("isb"); /* takes longer than YIELD, which many processors do not heed */
}

void attack_fill_vectors(uint64_t pattern)
{
    __asm__ volatile("dup v24.2d, %0\n\tdup v26.2d, %0\n\tdup v28.2d, %0\n\tdup v30.2d, %0\n\t"
                     "dup v31.2d, %0"
                     :
                     : "r"(pattern)
                     : "v24", "v26", "v28", "v30", "v31");
}

bool attack_vectors_are_filled(uint64_t pattern)
{
    uint64_t seen;

    __asm__ volatile("umov %0, v31.d[1]" : "=r"(seen));
    return seen == pattern;
}
