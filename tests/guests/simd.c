/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests compute with the baseline's vector registers: the results are exact. All calls succeed.
 */
#include <string.h>

#include <sconce/guest.h>

typedef double vector __attribute__((vector_size(16)));

/* 1*1 + 2*2 + ... + @n*@n in two lanes, with a call of the host in between. */
SCONCE_IMPORT(void, host_nothing, (void));
SCONCE_EXPORT(double, sum_of_squares, (uint32_t n))
{
    vector sum = {0, 0};

    for (uint32_t i = 1; i <= n; i += 2) {
        vector v = {i, i < n ? i + 1 : 0};

        sum += v * v;
        if (i % 64 == 1)
            host_nothing();
    }
    return sum[0] + sum[1];
}
