/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a config document, for those who write and read one. */
#ifndef SCONCE_SNAPSHOT_CONFIG_INTERNAL_H
#define SCONCE_SNAPSHOT_CONFIG_INTERNAL_H

#include "snapshot/config.h"

#define SCONCE_CONFIG_FORMAT 1u
#define SCONCE_CONFIG_OS "sconce"

/** sconce_architecture_name - OCI's name for ELF's e_machine: "amd64"; static; "unknown". */
const char *sconce_architecture_name(uint32_t machine);

/** sconce_region_role_name - "state" for SCONCE_MEM_STATE; static; "unknown". */
const char *sconce_region_role_name(uint32_t role);

/* Which of these has the name; false when none does. */
bool sconce_architecture_find(const char *name, uint32_t *ret_machine);
bool sconce_region_role_find(const char *name, uint32_t *ret_role);

/** sconce_guest_name_is_good - is it one that sconce_guest_name_from makes? */
bool sconce_guest_name_is_good(const char *name);

/** sconce_created_is_good - has it the form of what sconce_created_now makes? */
bool sconce_created_is_good(const char *created);

#endif
