/* SPDX-License-Identifier: Apache-2.0 */
/* Never becomes ready: making a sandbox is LIMIT (deadline). */
#include <sconce/guest.h>

int main(void);
int main(void)
{
    for (;;)
        __asm__ volatile("");
}
