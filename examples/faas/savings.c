/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small service as people write them, on Jansson as Debian ships it. It counts how often a tier
 * was asked for, in a global: what one request leaves there, another one sees, where they share a
 * process.
 *
 * Two bugs are planted: numbers of the request are an index and the bound of a loop, and nobody
 * looks at them.
 */
#include "savings.h"

#include <jansson.h>
#include <string.h>

#define TIERS 3

static double rates[TIERS];
static int asked[TIERS];

void savings_start(void)
{
    json_t *table = json_loads("[0.01, 0.02, 0.035]", 0, NULL);

    json_object_seed(0); /* asks the system; else the first request would */
    for (size_t i = 0; i < TIERS; i++)
        rates[i] = json_real_value(json_array_get(table, i));
    json_decref(table);
}

static int say(const char *text, char *ret_text, size_t *ret_bytes)
{
    *ret_bytes = strlen(text);
    memcpy(ret_text, text, *ret_bytes);
    return 1;
}

int savings(const char *path, const void *body, size_t bytes, char *ret_text, size_t *ret_bytes)
{
    json_error_t error;
    json_t *request = json_loadb(body, bytes, 0, &error), *answer;
    json_int_t years, tier;
    double amount;

    if (!request)
        return say(error.text, ret_text, ret_bytes); /* at most JSON_ERROR_TEXT_LENGTH */
    if (json_unpack_ex(request, &error, 0, "{s:F, s:I, s:I}", "amount", &amount, "years", &years,
                       "tier", &tier)) {
        json_decref(request);
        return say(error.text, ret_text, ret_bytes);
    }
    asked[tier]++;                                  /* PLANTED: any tier will do */
    for (json_int_t year = 0; year < years; year++) /* PLANTED: and any number of years */
        amount += amount * rates[tier];
    answer = json_pack("{s:s, s:f, s:i}", "path", path, "amount", amount, "asked", asked[tier]);
    *ret_bytes =
        json_dumpb(answer, ret_text, SAVINGS_TEXT_BYTES, JSON_COMPACT | JSON_REAL_PRECISION(8));
    json_decref(answer);
    json_decref(request);
    if (*ret_bytes == 0 || *ret_bytes > SAVINGS_TEXT_BYTES)
        return say("the path is too long, or no UTF-8", ret_text, ret_bytes);
    return 0;
}
