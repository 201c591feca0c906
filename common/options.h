/* SPDX-License-Identifier: Apache-2.0 */
/* Option structs of the public interface, which grow at their ends: programs older and newer than
 * this library both work with it. */
#ifndef SCONCE_COMMON_OPTIONS_H
#define SCONCE_COMMON_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/error.h"

/**
 * sconce_options_take - copy @from, which says that it has @from_bytes, into @to.
 * What an older program's struct lacks becomes zero; what a newer one's has beyond ours must be
 * zero, since we could not honour it. @least: the size in the first version.
 */
static inline int sconce_options_take(void *to, size_t to_bytes, const void *from,
                                      uint32_t from_bytes, size_t least, const char *what,
                                      struct sconce_error *err)
{
    if (from_bytes < least)
        return sconce_fail(err, SCONCE_E_INVALID, "%s has size %u, which is less than %zu", what,
                           from_bytes, least);
    for (size_t i = to_bytes; i < from_bytes; i++)
        if (((const uint8_t *)from)[i])
            return sconce_fail(err, SCONCE_E_INVALID,
                               "%s asks for something that this version does not know", what);
    memset(to, 0, to_bytes);
    memcpy(to, from, from_bytes < to_bytes ? from_bytes : to_bytes);
    return 0;
}

#endif
