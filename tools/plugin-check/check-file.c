/* SPDX-License-Identifier: Apache-2.0 */
/* The file: what can be said of a plugin without loading it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plugin-check/check.h"
#include "tools/plugin-check/elf-file.h"

static enum check_outcome read_elf(struct check *check, struct check_elf *elf)
{
    const char *problem = check_elf_read(check->setup->path, elf);

    CHECK(check, !problem, "%s: %s", check->setup->path, problem);
    return CHECK_OK;
}

static enum check_outcome check_note_row(struct check *check)
{
    static const char *const keys[] = {"abi",       "name",      "version", "arch",    "machine",
                                       "mechanism", "isolation", "status",  "requires"};
    struct check_elf elf;
    char value[128];

    CHECK_STEP(read_elf(check, &elf));
    CHECK(check, elf.notes == 1, "there are %u notes of owner " SCONCE_NOTE_OWNER ", not one",
          elf.notes);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        CHECK(check, check_elf_fact(&elf, keys[i], value, sizeof value),
              "the note has no %s=", keys[i]);

    check_elf_fact(&elf, "abi", value, sizeof value);
    CHECK(check, (unsigned)strtoul(value, NULL, 10) == SCONCE_PLUGIN_ABI_MAJOR,
          "abi=%s is not of major %d", value, SCONCE_PLUGIN_ABI_MAJOR);
    check_elf_fact(&elf, "isolation", value, sizeof value);
    CHECK(check,
          strcmp(value, "vm") == 0 || strcmp(value, "process") == 0 || strcmp(value, "none") == 0,
          "isolation=%s is none of vm, process, none", value);
    check_elf_fact(&elf, "status", value, sizeof value);
    CHECK(check,
          strcmp(value, "verified") == 0 || strcmp(value, "double") == 0 ||
              strcmp(value, "experimental") == 0,
          "status=%s is none of verified, double, experimental", value);
    return CHECK_OK;
}

static enum check_outcome check_name_row(struct check *check)
{
    const char *base = strrchr(check->setup->path, '/') + 1;
    struct check_elf elf;
    char name[128];
    char wanted[160];

    CHECK_STEP(read_elf(check, &elf));
    CHECK(check, check_elf_fact(&elf, "name", name, sizeof name), "the note has no name=");
    CHECK(check,
          name[0] != '\0' && name[0] != '-' && name[0] != '_' &&
              name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0',
          "\"%s\" is not of the form [a-z0-9][a-z0-9_-]*", name);
    snprintf(wanted, sizeof wanted, "sconce-backend-%s.so", name);
    CHECK(check, strcmp(base, wanted) == 0, "the file is called %s, its note calls for %s", base,
          wanted);
    return CHECK_OK;
}

static enum check_outcome check_symbols_row(struct check *check)
{
    struct check_elf elf;

    CHECK_STEP(read_elf(check, &elf));
    for (unsigned i = 0; i < elf.exported_count && i < CHECK_ELF_MAX_NAMES; i++)
        CHECK(check, strcmp(elf.exported[i], SCONCE_PLUGIN_ENTRY_SYMBOL) == 0,
              "it exports %s (%u symbols in all)", elf.exported[i], elf.exported_count);
    CHECK(check, elf.exported_count == 1, "it exports %u symbols", elf.exported_count);
    return CHECK_OK;
}

/* The C library in its parts, and what sanitizers put in front of it. */
static bool always_allowed(const char *library)
{
    static const char *const prefixes[] = {
        "libc.so.", "libm.so.",     "libpthread.so.", "libdl.so.",    "librt.so.",
        "ld-linux", "libgcc_s.so.", "libasan.so.",    "libubsan.so.", "libtsan.so."};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(library, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

static enum check_outcome check_needed_row(struct check *check)
{
    struct check_elf elf;

    CHECK_STEP(read_elf(check, &elf));
    for (unsigned i = 0; i < elf.needed_count; i++) {
        bool allowed = always_allowed(elf.needed[i]);

        for (const char *const *name = check->setup->needed; *name && !allowed; name++)
            allowed = strcmp(*name, elf.needed[i]) == 0;
        CHECK(check, allowed, "it needs %s; --needed=%s says that it stands on that", elf.needed[i],
              elf.needed[i]);
    }
    return CHECK_OK;
}

const struct check_row check_file_rows[] = {
    {"file.note", "one ELF note tells what the plugin is", 0, check_note_row},
    {"file.name", "the file has the note's name", 0, check_name_row},
    {"file.symbols", "it exports its entry and nothing else", 0, check_symbols_row},
    {"file.needed", "it needs the C library and what it stands on", 0, check_needed_row},
    {NULL, NULL, 0, NULL},
};
