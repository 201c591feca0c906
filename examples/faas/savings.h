/* SPDX-License-Identifier: Apache-2.0 */
/* The function that is served: what savings grow to. It knows of neither servers nor sandboxes. */
#ifndef FAAS_SAVINGS_H
#define FAAS_SAVINGS_H

#include <stddef.h>

#define SAVINGS_TEXT_BYTES 1024u

/** savings_start - what is done once, before the first request. */
void savings_start(void);

/**
 * savings - answer one request.
 * @body: @bytes bytes of JSON: {"amount": 1000, "years": 10, "tier": 2}.
 * @ret_text: SAVINGS_TEXT_BYTES; JSON, or what is wrong with the body.
 * @ret_bytes: of the text; there is no NUL behind it.
 * Returns 0, or 1 when the body is not what it must be.
 */
int savings(const char *path, const void *body, size_t bytes, char *ret_text, size_t *ret_bytes);

#endif
