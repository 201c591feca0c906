/* SPDX-License-Identifier: Apache-2.0 */
/* A guest as on every other architecture: nothing in it knows which one it is for. */
#include <sconce/guest.h>

SCONCE_IMPORT(const char *, visitor, (void));

SCONCE_EXPORT(int32_t, add, (int32_t a, int32_t b))
{
    return a + b;
}

SCONCE_EXPORT(sconce_str, greet, (void))
{
    return sconce_format("Hello, %s!", visitor());
}
