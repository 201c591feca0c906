/* SPDX-License-Identifier: Apache-2.0 */
/* What the client has mapped. One caller at a time. */
#ifndef MSHV_DOUBLE_MAPS_H
#define MSHV_DOUBLE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct double_area {
    uint64_t start, end, inode;
    unsigned major, minor;
    int prot;
    bool shared;
    bool refused; /* pages of a file that cannot be pinned for long */
};

struct double_areas {
    struct double_area *list;
    size_t count;
};

/** double_maps_start - open what this needs, while the client still lets it. */
void double_maps_start(void);

/** double_maps_read - all that have something of @from to @to; the list is the caller's to free. */
int double_maps_read(uint64_t from, uint64_t to, struct double_areas *ret_areas);

#endif
