/* SPDX-License-Identifier: Apache-2.0 */
/* Where a configuration comes from: files and the environment, in their order. The environment is a
 * parameter, so that each case (set-user-ID included) can be tested. */
#ifndef SCONCE_CONFIG_LOAD_H
#define SCONCE_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct sconce_config_environment {
    bool secure;             /* the program has more rights than its caller: AT_SECURE */
    const char *config_path; /* $SCONCE_CONFIG; NULL when unset */
    const char *plugin_dir;  /* $SCONCE_PLUGIN_DIR; NULL when unset */
    const char *system_path; /* read when no file is named; may be absent */
};

/** sconce_config_load_from - see sconce_config_load. */
int sconce_config_load_from(const struct sconce_config_environment *environment, const char *path,
                            struct sconce_config **ret_config, struct sconce_error *err);

/** sconce_config_parse - put an INI text's settings over @config's. @name stands for the file. On
 * failure some of them may be in effect. */
int sconce_config_parse(struct sconce_config *config, const char *name, const char *data,
                        size_t bytes, struct sconce_error *err);

#endif
