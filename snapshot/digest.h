/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as OCI writes it. Nettle is used here and nowhere else. */
#ifndef SCONCE_SNAPSHOT_DIGEST_H
#define SCONCE_SNAPSHOT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <nettle/sha2.h>

#define SCONCE_DIGEST_HEX 64u /* digits, lower case */

struct sconce_digest {
    struct sha256_ctx ctx;
};

void sconce_digest_start(struct sconce_digest *digest);
void sconce_digest_add(struct sconce_digest *digest, const void *data, size_t bytes);

/** sconce_digest_end - the digits, with a NUL behind them. */
void sconce_digest_end(struct sconce_digest *digest, char ret_hex[SCONCE_DIGEST_HEX + 1]);

/** sconce_digest_is_hex - is @text as sconce_digest_end writes it? It is then a file's name. */
bool sconce_digest_is_hex(const char *text);

#endif
