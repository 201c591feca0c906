/* SPDX-License-Identifier: Apache-2.0 */
/* main takes arguments, as programs do; there are none. Everything succeeds. */
#include <sconce/guest.h>

static char **arguments;

int main(int argc, char **argv);
int main(int argc, char **argv)
{
    if (argc != 0)
        sconce_abort("argc is %d", argc);
    arguments = argv;
    return 0;
}

/* 0: the array of arguments ends where it starts. */
SCONCE_EXPORT(int32_t, run, (void))
{
    return arguments[0] != NULL;
}
