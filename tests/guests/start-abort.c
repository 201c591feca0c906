/* SPDX-License-Identifier: Apache-2.0 */
/* Prints "so far" and gives up during start-up: making a sandbox is GUEST_ABORT, "not today". */
#include <stdio.h>

#include <sconce/guest.h>

int main(void);
int main(void)
{
    printf("so far");
    sconce_abort("not today");
}
