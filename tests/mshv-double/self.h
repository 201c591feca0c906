/* SPDX-License-Identifier: Apache-2.0 */
/* What the client reads of itself in /proc: a driver has neither descriptors nor mappings in it, so
 * those that the double needs are left out there. */
#ifndef MSHV_DOUBLE_SELF_H
#define MSHV_DOUBLE_SELF_H

#include <stddef.h>
#include <stdint.h>

/* A mapping that is the double's. Its owner has the memory of this. */
struct double_hidden {
    struct double_hidden *next;
    uint64_t start, end;
};

void double_self_hide(struct double_hidden *hidden, const void *start, size_t bytes);

/** double_self_show - before it is unmapped: the place may be the client's at once. Does nothing
 * to one that was not hidden. */
void double_self_show(struct double_hidden *hidden);

#endif
