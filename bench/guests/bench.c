/* SPDX-License-Identifier: Apache-2.0 */
/* The guest of the benchmarks: a function for each thing that a call can cost. */
#include <sconce/guest.h>

#define REPLY_BYTES 8192u

static const unsigned char reply[REPLY_BYTES] = {1};

/* A call costs a call. */
SCONCE_EXPORT(void, nothing, (void))
{
}

SCONCE_IMPORT(void, host, (void));

SCONCE_EXPORT(void, ask, (void))
{
    host();
}

/* Looks at the ends alone: what the guest does with them is not the call's. */
SCONCE_EXPORT(sconce_bytes, exchange, (sconce_bytes given))
{
    const unsigned char *bytes = given.data;

    if (!given.length || bytes[0] != 1 || bytes[given.length - 1] != 2)
        sconce_fail(1, "%zu bytes came, or others", given.length);
    return (sconce_bytes){reply, sizeof reply};
}
