/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up during start-up: making a sandbox is GUEST_ABORT, "not today", after printing "so far". */
#include <stdio.h>

#include <sconce/guest.h>

int main(void);
int main(void)
{
    printf("so far");
    sconce_abort("not today");
}
