/* SPDX-License-Identifier: Apache-2.0 */
#include "config/guest-settings.h"

#include <errno.h>
#include <string.h>

#include <sconce/sconce.h>

#include "common/parse.h"

/* Far beyond all calendars, and far from overflowing when added to a time. */
#define SECONDS_MAX 1000000000000ull

static int parse_seconds(const char *text, int64_t *ret)
{
    uint64_t number;
    int negative = *text == '-';

    if (*text == '-' || *text == '+')
        text++;
    if (sconce_parse_u64(text, &number) < 0 || number > SECONDS_MAX)
        return -EINVAL;
    *ret = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

/* What stands behind @word and a colon; NULL when the text begins otherwise. */
static const char *behind(const char *text, const char *word)
{
    size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && text[length] == ':' ? text + length + 1 : NULL;
}

int sconce_config_parse_clock(const char *text, uint32_t *ret_clock, int64_t *ret_seconds)
{
    const char *frozen = behind(text, "frozen"), *offset = behind(text, "offset");
    uint32_t clock = offset ? SCONCE_CLOCK_OFFSET : SCONCE_CLOCK_FROZEN;
    int64_t seconds = 0;

    if (!strcmp(text, "host"))
        clock = SCONCE_CLOCK_HOST;
    else if (frozen || offset) {
        if (parse_seconds(frozen ? frozen : offset, &seconds) < 0)
            return -EINVAL;
    } else if (strcmp(text, "frozen") != 0)
        return -EINVAL;
    *ret_clock = clock;
    *ret_seconds = seconds;
    return 0;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *at = lower ? strchr(digits, lower) : NULL;

    return at ? (int)(at - digits) : -1;
}

int sconce_config_parse_random(const char *text, uint32_t *ret_random,
                               uint8_t ret_seed[SCONCE_CONFIG_SEED_BYTES])
{
    uint8_t seed[SCONCE_CONFIG_SEED_BYTES] = {0};
    const char *hex = behind(text, "seed");
    size_t length = hex ? strlen(hex) : 0;

    if (hex && (!length || length > 2 * sizeof seed))
        return -EINVAL;
    if (!hex && strcmp(text, "host") != 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        int value = digit(hex[i]);

        if (value < 0)
            return -EINVAL;
        seed[i / 2] |= (uint8_t)(i % 2 ? value : value << 4);
    }
    *ret_random = hex ? SCONCE_RANDOM_SEED : SCONCE_RANDOM_HOST;
    memcpy(ret_seed, seed, sizeof seed);
    return 0;
}
