/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration value: from text, checked, to what struct sconce_settings holds and to the text
 * that shows what is in effect. */
#ifndef SCONCE_CONFIG_VALUE_H
#define SCONCE_CONFIG_VALUE_H

#include <stdint.h>

#include "config/config.h"
#include "config/keys.h"

struct sconce_value_parsed {
    char *text; /* in the canonical form: "16M", "SIGURG", "yes"; owned */
    const char *
        *names;      /* of SCONCE_KEY_NAMES: NULL-terminated; one block with its strings; owned */
    uint64_t number; /* of the others but SCONCE_KEY_DIRECTORY */
};

/** sconce_value_parse - errors: SCONCE_E_CONFIG with what the key takes, NO_MEMORY. */
int sconce_value_parse(const struct sconce_key *key, const char *text,
                       struct sconce_value_parsed *ret, struct sconce_error *err);

/** sconce_value_store - into @settings, which borrows from @value. */
void sconce_value_store(const struct sconce_key *key, const struct sconce_value_parsed *value,
                        struct sconce_settings *settings);

void sconce_value_free(struct sconce_value_parsed *value);

#endif
