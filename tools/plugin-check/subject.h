/* SPDX-License-Identifier: Apache-2.0 */
/* One backend that is checked: found, and looked at for the first time. */
#ifndef SCONCE_PLUGIN_CHECK_SUBJECT_H
#define SCONCE_PLUGIN_CHECK_SUBJECT_H

#include <limits.h>

#include "tools/plugin-check/options.h"

struct check_subject {
    struct check_setup setup; /* points into the rest */
    char *path;
    char *plugin_dir;
    char *interposer;
    char name[64];
    char guest_dir[PATH_MAX];
};

/** check_subject_init - find @target, NAME or PATH, and probe it. Says what is wrong, and returns
 * an exit status. @config: borrowed, and aimed at this subject. */
int check_subject_init(struct check_subject *subject, const struct check_options *options,
                       const char *target, struct sconce_config *config);

/** check_subject_aim - make its configuration, which other subjects share, choose this one. Returns
 * an exit status. */
int check_subject_aim(const struct check_subject *subject);

void check_subject_fini(struct check_subject *subject);

#endif
