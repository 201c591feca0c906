/* SPDX-License-Identifier: Apache-2.0 */
/* A whole program: it exports nothing, copies its input, tells its arguments, and exits as it is
 * told, or asks for a line and aborts. The same file runs natively. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ask(void)
{
    printf("name: ");
    fflush(stdout);
    getchar();
    abort();
}

int main(int argc, char **argv)
{
    int c;

    if (argc > 1 && strcmp(argv[1], "ask") == 0)
        ask();
    for (int i = 1; i < argc; i++)
        printf("%d: %s\n", i, argv[i]);
    while ((c = getchar()) != EOF)
        putchar(c);
    fprintf(stderr, "%d arguments\n", argc - 1);
    return argc > 1 ? atoi(argv[1]) : 0;
}
