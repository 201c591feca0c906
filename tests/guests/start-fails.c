/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls sconce_fail in a constructor, when there is no call that could fail; main returns
 * START_RESULT. Making a sandbox is GUEST_ABORT with code 7, "no luck".
 */
#include <sconce/guest.h>

__attribute__((constructor)) static void fail(void)
{
    sconce_fail(7, "no %s", "luck");
}

int main(void);
int main(void)
{
    return START_RESULT;
}

SCONCE_EXPORT(void, run, (void))
{
}
