/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the host that the attacks' tests are. */
#include "plugins/shared/process/tests/attacks.h"

void attack_pause(void)
{
    __asm__ volatile("pause");
}

/* The upper ones of a program without AVX-512, whose library leaves them alone; and those that only
 * AVX-512 has. */
void attack_fill_vectors(uint64_t pattern)
{
    __asm__ volatile("movq %0, %%xmm8\n\tpunpcklqdq %%xmm8, %%xmm8\n\t"
                     "movdqa %%xmm8, %%xmm12\n\tmovdqa %%xmm8, %%xmm13\n\t"
                     "movdqa %%xmm8, %%xmm14\n\tmovdqa %%xmm8, %%xmm15"
                     :
                     : "r"(pattern)
                     : "xmm8", "xmm12", "xmm13", "xmm14", "xmm15");
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile("vpbroadcastq %0, %%zmm20\n\tvmovdqa64 %%zmm20, %%zmm30" : : "r"(pattern));
}

bool attack_vectors_are_filled(uint64_t pattern)
{
    uint64_t seen;

    __asm__ volatile("movq %%xmm15, %0" : "=r"(seen));
    return seen == pattern;
}
