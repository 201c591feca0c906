/* SPDX-License-Identifier: Apache-2.0 */
#include "common/untrusted.h"

#include <string.h>

#include "common/attributes.h"

SCONCE_HOT __attribute__((noinline)) void sconce_copy_untrusted(void *to, const void *from,
                                                                size_t bytes)
{
    memcpy(to, from, bytes);
    __asm__ __volatile__("" ::: "memory");
}
