/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of configuration keys: parsing, defaults, `sconce config`, messages and the tests of
 * sconce.ini(5) all read it. Data only. */
#ifndef SCONCE_CONFIG_KEYS_H
#define SCONCE_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define SCONCE_KEY_COUNT 21u

/* Keys that the code itself has to find. */
#define SCONCE_KEY_BACKEND 0u
#define SCONCE_KEY_PLUGIN_DIR 2u
#define SCONCE_KEY_BACKENDS_DIR 3u
#define SCONCE_KEY_ALLOW_UNTRUSTED 5u

enum sconce_key_type {
    SCONCE_KEY_NAMES,     /* char ** of backend names, or {"auto"} */
    SCONCE_KEY_ISOLATION, /* uint32_t SCONCE_ISOLATION_* */
    SCONCE_KEY_DIRECTORY, /* char *, absolute, not checked for existence */
    SCONCE_KEY_SWITCH,    /* bool */
    SCONCE_KEY_SIGNAL,    /* int */
    SCONCE_KEY_SIZE,      /* uint64_t bytes, with K, M, G */
    SCONCE_KEY_GRANULES,  /* the same, rounded up to a multiple of 64 KiB */
    SCONCE_KEY_COUNT_OF,  /* uint64_t */
    SCONCE_KEY_DEADLINE,  /* uint64_t ns from text in ms; 0 ms is none, UINT64_MAX ns */
    SCONCE_KEY_CLOCK,     /* char *, for sconce_config_parse_clock */
    SCONCE_KEY_RANDOM,    /* char *, for sconce_config_parse_random */
};

struct sconce_key {
    const char *section;
    const char *name;
    const char *fallback; /* the default as text; NULL: derived from another key */
    const char *help;     /* one line */
    uint64_t min, max;    /* of the numbers, in the unit of the text */
    size_t offset;        /* of the value in struct sconce_settings */
    enum sconce_key_type type;
};

extern const struct sconce_key sconce_keys[SCONCE_KEY_COUNT];

/** sconce_key_find - the number of a key, or SCONCE_KEY_COUNT. */
size_t sconce_key_find(const char *section, const char *name);

/** sconce_key_section_known - is there a key in @section (which is not backend.NAME)? */
int sconce_key_section_known(const char *section);

#define SCONCE_KEY_HINT_BYTES 128u

/** sconce_key_hint - what was probably meant by a key that does not exist: "did you mean
 * \"backend\"?"; "" when nothing resembles it. */
void sconce_key_hint(const char *section, const char *name, char hint[SCONCE_KEY_HINT_BYTES]);

/** sconce_key_section_hint - the same for a section. */
void sconce_key_section_hint(const char *section, char hint[SCONCE_KEY_HINT_BYTES]);

#endif
