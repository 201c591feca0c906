/* SPDX-License-Identifier: Apache-2.0 */
/* What the host has attached. The boot page says where, anew for each call. */
#include "internal.h"

const void *sconce_window(size_t *ret_bytes)
{
    const struct sconce_boot *boot = sconce_boot();

    *ret_bytes = boot->window_bytes;
    return boot->window_bytes ? (const void *)boot->window_addr : NULL;
}
