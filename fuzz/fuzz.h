/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: the entry point that libFuzzer calls, and the check that ends the
 * program where it can be seen. */
#ifndef SCONCE_FUZZ_H
#define SCONCE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <sconce/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Holds whatever the input is. Never compiled out. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** fuzz_text_clean - UTF-8 without control characters (but for newlines): fit for a terminal? */
bool fuzz_text_clean(const void *text, size_t bytes);

/** fuzz_check_error - a failure's code is @r, with texts to match; there is no error without one.
 */
void fuzz_check_error(int r, const struct sconce_error *err);

#endif
