/* SPDX-License-Identifier: Apache-2.0 */
/* The good guest that make-badelf.py spoils: two exports, an import, a relocated pointer. */
#include <sconce/guest.h>

SCONCE_IMPORT(int32_t, host_one, (int32_t value));

SCONCE_EXPORT(int32_t, first, (int32_t value))
{
    return host_one(value);
}

SCONCE_EXPORT(sconce_str, second, (sconce_str text))
{
    return text;
}
