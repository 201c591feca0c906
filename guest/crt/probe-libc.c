/* SPDX-License-Identifier: Apache-2.0 */
/* Linked while the build is configured, to see whether a compiler has a static C library; never
 * run.
 */
#include <stdio.h>

int main(void)
{
    return puts("") < 0;
}
