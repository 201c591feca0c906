/* SPDX-License-Identifier: Apache-2.0 */
#include "common/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/overflow.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits and moves *text behind them. */
static int digits(const char **text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!is_digit(**text))
        return -EINVAL;
    for (; is_digit(**text); (*text)++)
        if (!sconce_mul_u64(value, 10, &value) ||
            !sconce_add_u64(value, (uint64_t)(**text - '0'), &value))
            return -ERANGE;
    *ret = value;
    return 0;
}

int sconce_parse_u64(const char *text, uint64_t *ret)
{
    uint64_t value;
    int r = digits(&text, &value);

    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;
    *ret = value;
    return 0;
}

static bool unit_shift(char unit, unsigned *ret)
{
    switch (unit) {
    case 'k':
    case 'K':
        *ret = 10;
        return true;
    case 'm':
    case 'M':
        *ret = 20;
        return true;
    case 'g':
    case 'G':
        *ret = 30;
        return true;
    default:
        return false;
    }
}

int sconce_parse_size(const char *text, uint64_t *ret)
{
    unsigned shift = 0;
    uint64_t value;
    int r = digits(&text, &value);

    if (r < 0)
        return r;
    if (*text && unit_shift(*text, &shift))
        text++;
    if (*text)
        return -EINVAL;
    return sconce_mul_u64(value, 1ull << shift, ret) ? 0 : -ERANGE;
}

int sconce_parse_bool(const char *text, bool *ret)
{
    static const char *const words[2][4] = {{"no", "false", "off", "0"},
                                            {"yes", "true", "on", "1"}};
    size_t i;

    for (i = 0; i < 4; i++) {
        if (!strcmp(text, words[0][i]) || !strcmp(text, words[1][i])) {
            *ret = !strcmp(text, words[1][i]);
            return 0;
        }
    }
    return -EINVAL;
}

void sconce_format_size(uint64_t bytes, char text[SCONCE_SIZE_TEXT_BYTES])
{
    static const char units[] = {'\0', 'K', 'M', 'G'};
    size_t unit = 0;

    while (unit < sizeof units - 1 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, SCONCE_SIZE_TEXT_BYTES, "%" PRIu64 "%.1s", bytes, &units[unit]);
}

bool sconce_backend_name_valid(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(name);

    return length > 0 && length <= SCONCE_BACKEND_NAME_MAX && strchr(first, name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

bool sconce_setting_key_valid(const char *key)
{
    size_t length = strlen(key);

    return length > 0 && length <= SCONCE_SETTING_KEY_MAX &&
           strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") == length;
}
