/* SPDX-License-Identifier: Apache-2.0 */
/* What core/image.h promises of an image, checked in full; for the targets that make images. */
#ifndef SCONCE_FUZZ_CHECK_IMAGE_H
#define SCONCE_FUZZ_CHECK_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/** fuzz_parse_image - parse as each kind of caller does, and check what comes out. */
void fuzz_parse_image(const uint8_t *data, size_t bytes);

#endif
