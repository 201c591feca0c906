/* SPDX-License-Identifier: Apache-2.0 */
/* main returns 3: making a sandbox is GUEST_ABORT with code 3, "main returned 3". */
#include <sconce/guest.h>

int main(void);
int main(void)
{
    return 3;
}
