/* SPDX-License-Identifier: Apache-2.0 */
/* A guest to run: prints while it starts, then again, and returns 3. */
#include <sconce/guest.h>

int main(void);
int main(void)
{
    sconce_printf("started\n");
    return 0;
}

SCONCE_EXPORT(int32_t, run, (void))
{
    sconce_printf("ran\n");
    return 3;
}
