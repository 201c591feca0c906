/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/digest.h"

#include <stdint.h>
#include <string.h>

void sconce_digest_start(struct sconce_digest *digest)
{
    sha256_init(&digest->ctx);
}

void sconce_digest_add(struct sconce_digest *digest, const void *data, size_t bytes)
{
    sha256_update(&digest->ctx, bytes, data);
}

void sconce_digest_end(struct sconce_digest *digest, char ret_hex[SCONCE_DIGEST_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA256_DIGEST_SIZE];

    sha256_digest(&digest->ctx, sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        ret_hex[2 * i] = digits[sum[i] >> 4];
        ret_hex[2 * i + 1] = digits[sum[i] & 15];
    }
    ret_hex[SCONCE_DIGEST_HEX] = '\0';
}

bool sconce_digest_is_hex(const char *text)
{
    return strlen(text) == SCONCE_DIGEST_HEX &&
           strspn(text, "0123456789abcdef") == SCONCE_DIGEST_HEX;
}
