/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean ...": which of the right words a wrong one resembles most. */
#ifndef SCONCE_COMMON_NEAREST_H
#define SCONCE_COMMON_NEAREST_H

#include <stddef.h>

struct sconce_nearest {
    const char *word;
    const char *best; /* NULL when nothing offered is near enough to be what was meant */
    size_t distance;
};

/** sconce_nearest_start - @word is borrowed. Words over 64 bytes resemble nothing. */
void sconce_nearest_start(struct sconce_nearest *nearest, const char *word);

/** sconce_nearest_offer - one right word, borrowed. Of equally near ones the first stays. */
void sconce_nearest_offer(struct sconce_nearest *nearest, const char *candidate);

#endif
