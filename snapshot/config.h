/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's config document: its parts as JSON, and where it can be used. Knows no files. */
#ifndef SCONCE_SNAPSHOT_CONFIG_H
#define SCONCE_SNAPSHOT_CONFIG_H

#include "core/snapshot-parts.h"
#include "snapshot/cpu.h"

#define SCONCE_GUEST_NAME_BYTES 256u
#define SCONCE_CREATED_BYTES 24u /* "2026-11-27T12:00:00Z", with NUL */

struct sconce_snapshot_config {
    struct sconce_snapshot_parts parts; /* of an opened document: its mappings are owned */
    char guest_name[SCONCE_GUEST_NAME_BYTES];
    char created[SCONCE_CREATED_BYTES];
    uint32_t machine; /* ELF's e_machine */
    uint32_t guest_abi;
    struct sconce_cpu cpu;
};

/** sconce_created_now - SOURCE_DATE_EPOCH when it is set and a number, else the time of day. */
void sconce_created_now(char ret_created[SCONCE_CREATED_BYTES]);

/**
 * sconce_guest_name_from - the last part of @path, as a config may have it: letters, digits, ".",
 * "_", "+" and "-", the last not first; others become "_". Hints put the name into commands that
 * people paste.
 */
void sconce_guest_name_from(const char *path, char ret_name[SCONCE_GUEST_NAME_BYTES]);

/** sconce_snapshot_config_write - @ret_text: [give] free() it. SNAPSHOT: no reader would take it.
 */
int sconce_snapshot_config_write(const struct sconce_snapshot_config *config, char **ret_text,
                                 size_t *ret_bytes, struct sconce_error *err);

/**
 * sconce_snapshot_config_parse - types and lengths are as they must be; what the values mean is for
 * the core to check. Members that nobody knows are passed over.
 */
int sconce_snapshot_config_parse(const void *data, size_t bytes, const char *what,
                                 struct sconce_snapshot_config *ret_config,
                                 struct sconce_error *err);

/** sconce_snapshot_config_fini - of one that was parsed, or is zeroes. */
void sconce_snapshot_config_fini(struct sconce_snapshot_config *config);

#endif
