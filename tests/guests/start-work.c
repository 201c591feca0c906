/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Much to do before it is ready, all of it allowed: constructors, printing, the heap, and a call of
 * the host, with its result kept. Everything succeeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(sconce_str, host_echo_string, (sconce_str value));

static char order[8];
static char *answer;

__attribute__((constructor(201))) static void second(void)
{
    strchr(order, '\0')[0] = '2';
}

__attribute__((constructor(101))) static void first(void)
{
    strchr(order, '\0')[0] = '1';
}

int main(void);
int main(void)
{
    sconce_str echo = host_echo_string(SCONCE_STR("hello from main"));

    strchr(order, '\0')[0] = 'm';
    printf("starting\n");
    answer = malloc(echo.length + 1);
    if (!answer)
        return 1;
    memcpy(answer, echo.data, echo.length + 1);
    return 0;
}

/* "12m hello from main" */
SCONCE_EXPORT(sconce_str, story, (void))
{
    return sconce_format("%s %s", order, answer);
}
