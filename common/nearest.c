/* SPDX-License-Identifier: Apache-2.0 */
#include "common/nearest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 64u

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/*
 * How many letters have to be added, dropped, replaced or swapped with their neighbour to make @b
 * of @a ("optimal string alignment"). Three rows of the usual table suffice: a swap looks two back.
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_MAX + 1];
    size_t i, j;

    for (j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *up = rows[(i - 1) % 3];

        row[0] = i;
        for (j = 1; j <= b_length; j++) {
            size_t differs = a[i - 1] != b[j - 1];

            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], rows[(i - 2) % 3][j - 2] + 1, SIZE_MAX);
        }
    }
    return rows[a_length % 3][b_length];
}

void sconce_nearest_start(struct sconce_nearest *nearest, const char *word)
{
    *nearest = (struct sconce_nearest){.word = word};
}

void sconce_nearest_offer(struct sconce_nearest *nearest, const char *candidate)
{
    size_t word_length = strlen(nearest->word);
    size_t length = strlen(candidate);
    size_t longer = word_length > length ? word_length : length;
    size_t d;

    if (longer > WORD_MAX || word_length == 0)
        return;
    d = distance(nearest->word, word_length, candidate, length);
    /* More than a third of the letters wrong is another word, not a slip. */
    if (d > 1 && d * 3 > longer)
        return;
    if (d < longer && (!nearest->best || d < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = d;
    }
}
