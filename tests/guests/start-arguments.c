/* SPDX-License-Identifier: Apache-2.0 */
/* main takes arguments, as programs do: without any from the host, the guest's name. Everything
 * succeeds. */
#include <string.h>

#include <sconce/guest.h>

static char **arguments;

int main(int argc, char **argv);
int main(int argc, char **argv)
{
    if (argc != 1 || !strstr(argv[0], "start-arguments"))
        sconce_abort("argc is %d", argc);
    arguments = argv;
    return 0;
}

/* 0: they are still there, and end after the first. */
SCONCE_EXPORT(int32_t, run, (void))
{
    return !strstr(arguments[0], "start-arguments") || arguments[1] != NULL;
}
