/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin's file says of itself, read without running any of it. */
#ifndef SCONCE_PLUGIN_CHECK_ELF_H
#define SCONCE_PLUGIN_CHECK_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_ELF_MAX_NAMES 32u

struct check_elf {
    char note[1024]; /* "key=value\n" lines; "" when there is no note */
    unsigned notes;
    char needed[CHECK_ELF_MAX_NAMES][64];
    unsigned needed_count;
    char exported[CHECK_ELF_MAX_NAMES][64]; /* defined and visible */
    unsigned exported_count;                /* may be more than fit */
};

/** check_elf_read - returns NULL or what is wrong with the file. */
const char *check_elf_read(const char *path, struct check_elf *ret_elf);

/** check_elf_fact - the value of a note's key, into @value; false when it has none. */
bool check_elf_fact(const struct check_elf *elf, const char *key, char *value, size_t bytes);

#endif
