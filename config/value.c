/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/overflow.h"
#include "common/parse.h"
#include "common/text.h"
#include "config/guest-settings.h"

#define NS_PER_MS 1000000ull
#define GRANULE 65536ull
#define BLANKS " \t"

/* Room for "/sconce-backend-NAME.so" behind a directory. */
#define DIRECTORY_MAX (PATH_MAX - 256)

static int bad(const struct sconce_key *key, const char *text, const char *wanted,
               struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_CONFIG, "bad value \"%s\" for %s: %s", text, key->name,
                       wanted);
}

static int no_memory(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

static int set_text(struct sconce_value_parsed *value, const char *text, struct sconce_error *err)
{
    value->text = strdup(text);
    return value->text ? 0 : no_memory(err);
}

/* ---- Backend names --------------------------------------------------------------------------- */

static int check_name(const struct sconce_key *key, const char *text, const char *const *names,
                      size_t count, struct sconce_error *err)
{
    const char *name = names[count - 1];
    size_t i;

    if (!sconce_backend_name_valid(name))
        return sconce_fail(err, SCONCE_E_CONFIG,
                           "bad value \"%s\" for %s: \"%s\" is no backend name: those are made of "
                           "a-z, 0-9, - and _, and at most %u long",
                           text, key->name, name, SCONCE_BACKEND_NAME_MAX);
    for (i = 0; i + 1 < count; i++) {
        if (!strcmp(names[i], name))
            return sconce_fail(err, SCONCE_E_CONFIG, "bad value \"%s\" for %s: \"%s\" stands twice",
                               text, key->name, name);
        if (!strcmp(names[i], "auto") || !strcmp(name, "auto"))
            return bad(key, text, "auto stands alone", err);
    }
    return 0;
}

static char *trim(char *word)
{
    size_t length;

    word += strspn(word, BLANKS);
    length = strlen(word);
    while (length && strchr(BLANKS, word[length - 1]))
        length--;
    word[length] = '\0';
    return word;
}

static int parse_names(const struct sconce_key *key, const char *text,
                       struct sconce_value_parsed *value, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text canonical = {0};
    size_t room = strlen(text) / 2 + 2; /* names and the NULL: each takes a letter and a comma */
    size_t count = 0;
    char *words, *word;
    int r;

    value->names = calloc(1, room * sizeof *value->names + strlen(text) + 1);
    if (!value->names)
        return no_memory(err);
    words = strcpy((char *)(value->names + room), text);
    while ((word = strsep(&words, ","))) {
        if (count + 1 == room)
            return bad(key, text, "a name is missing beside a comma", err);
        value->names[count++] = trim(word);
        r = check_name(key, text, value->names, count, err);
        if (r < 0)
            return r;
        sconce_text_add(&canonical, "%s%s", count > 1 ? ", " : "", value->names[count - 1]);
    }
    value->text = sconce_text_take(&canonical);
    return value->text ? 0 : no_memory(err);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static int parse_isolation(const struct sconce_key *key, const char *text,
                           struct sconce_value_parsed *value, struct sconce_error *err)
{
    if (!strcmp(text, "vm"))
        value->number = SCONCE_ISOLATION_VM;
    else if (!strcmp(text, "any"))
        value->number = SCONCE_ISOLATION_ANY;
    else
        return bad(key, text, "it is vm or any", err);
    return set_text(value, text, err);
}

static int parse_switch(const struct sconce_key *key, const char *text,
                        struct sconce_value_parsed *value, struct sconce_error *err)
{
    bool on;

    if (sconce_parse_bool(text, &on) < 0)
        return bad(key, text, "it is yes or no", err);
    value->number = on;
    return set_text(value, on ? "yes" : "no", err);
}

static int parse_directory(const struct sconce_key *key, const char *text,
                           struct sconce_value_parsed *value, struct sconce_error *err)
{
    size_t length = strlen(text);

    if (text[0] != '/')
        return bad(key, text, "a directory is given as a whole path, from /", err);
    if (length > DIRECTORY_MAX)
        return bad(key, text, "it is too long for a path", err);
    while (length > 1 && text[length - 1] == '/')
        length--;
    value->text = strndup(text, length);
    return value->text ? 0 : no_memory(err);
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* No real-time signals: the kernel drops one that is sent where the user's queue is full, and a
 * kick would be lost. */
static const struct {
    const char *name;
    int number;
} signals[] = {{"SIGURG", SIGURG}, {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}};

static int parse_signal(const struct sconce_key *key, const char *text,
                        struct sconce_value_parsed *value, struct sconce_error *err)
{
    uint64_t number = 0;

    sconce_parse_u64(text, &number);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (number != (uint64_t)signals[i].number && strcmp(text, signals[i].name) != 0)
            continue;
        value->number = (uint64_t)signals[i].number;
        return set_text(value, signals[i].name, err);
    }
    return bad(key, text, "it is SIGURG, SIGUSR1 or SIGUSR2, by name or number", err);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static int out_of_range(const struct sconce_key *key, const char *text, bool sizes,
                        struct sconce_error *err)
{
    char min[SCONCE_SIZE_TEXT_BYTES], max[SCONCE_SIZE_TEXT_BYTES];

    if (sizes) {
        sconce_format_size(key->min, min);
        sconce_format_size(key->max, max);
    } else {
        snprintf(min, sizeof min, "%" PRIu64, key->min);
        snprintf(max, sizeof max, "%" PRIu64, key->max);
    }
    return sconce_fail(err, SCONCE_E_CONFIG, "bad value \"%s\" for %s: it is from %s to %s", text,
                       key->name, min, max);
}

static int parse_size(const struct sconce_key *key, const char *text,
                      struct sconce_value_parsed *value, struct sconce_error *err)
{
    char canonical[SCONCE_SIZE_TEXT_BYTES];
    uint64_t bytes = 0;
    int r = sconce_parse_size(text, &bytes);

    if (r == -EINVAL)
        return bad(key, text, "a size is a number of bytes, or one with K, M or G behind", err);
    if (r < 0 || bytes < key->min || bytes > key->max)
        return out_of_range(key, text, true, err);
    if (key->type == SCONCE_KEY_GRANULES && !sconce_round_up_u64(bytes, GRANULE, &bytes))
        return out_of_range(key, text, true, err);
    value->number = bytes;
    sconce_format_size(bytes, canonical);
    return set_text(value, canonical, err);
}

static int parse_count(const struct sconce_key *key, const char *text,
                       struct sconce_value_parsed *value, struct sconce_error *err)
{
    char canonical[24];
    uint64_t number = 0;
    int r = sconce_parse_u64(text, &number);

    if (r == -EINVAL)
        return bad(key, text, "it is a number", err);
    if (r < 0 || number < key->min || number > key->max)
        return out_of_range(key, text, false, err);
    value->number = number;
    /* The table's maximum keeps the product in 64 bits. */
    if (key->type == SCONCE_KEY_DEADLINE)
        value->number = number ? number * NS_PER_MS : UINT64_MAX;
    snprintf(canonical, sizeof canonical, "%" PRIu64, number);
    return set_text(value, canonical, err);
}

/* ---- What guests see ------------------------------------------------------------------------- */

static int parse_clock(const struct sconce_key *key, const char *text,
                       struct sconce_value_parsed *value, struct sconce_error *err)
{
    uint32_t clock;
    int64_t seconds;

    if (sconce_config_parse_clock(text, &clock, &seconds) < 0)
        return bad(key, text, "it is host, frozen, frozen:SECONDS or offset:SECONDS", err);
    return set_text(value, text, err);
}

static int parse_random(const struct sconce_key *key, const char *text,
                        struct sconce_value_parsed *value, struct sconce_error *err)
{
    uint8_t seed[SCONCE_CONFIG_SEED_BYTES];
    uint32_t random;

    if (sconce_config_parse_random(text, &random, seed) < 0)
        return bad(key, text, "it is host, or seed: and 1 to 64 hexadecimal digits", err);
    return set_text(value, text, err);
}

static int parse_by_type(const struct sconce_key *key, const char *text,
                         struct sconce_value_parsed *value, struct sconce_error *err)
{
    switch (key->type) {
    case SCONCE_KEY_NAMES:
        return parse_names(key, text, value, err);
    case SCONCE_KEY_ISOLATION:
        return parse_isolation(key, text, value, err);
    case SCONCE_KEY_DIRECTORY:
        return parse_directory(key, text, value, err);
    case SCONCE_KEY_SWITCH:
        return parse_switch(key, text, value, err);
    case SCONCE_KEY_SIGNAL:
        return parse_signal(key, text, value, err);
    case SCONCE_KEY_SIZE:
    case SCONCE_KEY_GRANULES:
        return parse_size(key, text, value, err);
    case SCONCE_KEY_COUNT_OF:
    case SCONCE_KEY_DEADLINE:
        return parse_count(key, text, value, err);
    case SCONCE_KEY_CLOCK:
        return parse_clock(key, text, value, err);
    case SCONCE_KEY_RANDOM:
        return parse_random(key, text, value, err);
    }
    return sconce_fail(err, SCONCE_E_INVALID, "key %s has no type", key->name);
}

int sconce_value_parse(const struct sconce_key *key, const char *text,
                       struct sconce_value_parsed *ret, struct sconce_error *err)
{
    struct sconce_value_parsed value = {0};
    int r;

    if (!*text)
        return sconce_fail_hint(err, SCONCE_E_CONFIG, "give one, or remove the line",
                                "%s has no value", key->name);
    r = parse_by_type(key, text, &value, err);
    if (r < 0) {
        sconce_value_free(&value);
        return r;
    }
    *ret = value;
    return 0;
}

void sconce_value_store(const struct sconce_key *key, const struct sconce_value_parsed *value,
                        struct sconce_settings *settings)
{
    char *at = (char *)settings + key->offset;
    const char *text = value->text;
    const char *const *names = value->names;
    uint32_t word = (uint32_t)value->number;
    int signal_number = (int)value->number;
    bool on = value->number != 0;

    switch (key->type) {
    case SCONCE_KEY_NAMES:
        memcpy(at, &names, sizeof names);
        break;
    case SCONCE_KEY_DIRECTORY:
    case SCONCE_KEY_CLOCK:
    case SCONCE_KEY_RANDOM:
        memcpy(at, &text, sizeof text);
        break;
    case SCONCE_KEY_ISOLATION:
        memcpy(at, &word, sizeof word);
        break;
    case SCONCE_KEY_SWITCH:
        memcpy(at, &on, sizeof on);
        break;
    case SCONCE_KEY_SIGNAL:
        memcpy(at, &signal_number, sizeof signal_number);
        break;
    case SCONCE_KEY_SIZE:
    case SCONCE_KEY_GRANULES:
    case SCONCE_KEY_COUNT_OF:
    case SCONCE_KEY_DEADLINE:
        memcpy(at, &value->number, sizeof value->number);
        break;
    }
}

void sconce_value_free(struct sconce_value_parsed *value)
{
    free(value->text);
    free(value->names);
    *value = (struct sconce_value_parsed){0};
}
