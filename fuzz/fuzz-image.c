/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary: a guest's file, as bytes. */
#include "check-image.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_parse_image(data, bytes);
    return 0;
}
