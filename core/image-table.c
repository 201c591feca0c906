/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of exports and imports: found by their sections' names, read from the relocated
 * contents, every entry checked and copied. Runs nothing and keeps no pointer into the file.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/overflow.h"
#include "core/image-internal.h"
#include "core/signature.h"

#define REBUILD_HINT "build it again with the sconce-cc that belongs to this version of Sconce"

/* Names of sections, and where they are in the file. */
struct names {
    const char *text;
    uint64_t bytes;
};

struct table {
    const char *section; /* its name */
    const char *kind;    /* "export" or "import" */
    bool exports;
    bool found;
    GElf_Shdr header;
};

/* ---- Finding the sections -------------------------------------------------------------------- */

static int read_section(const struct sconce_image_parse *p, uint32_t i, GElf_Shdr *ret_header)
{
    Elf_Scn *section = elf_getscn(p->elf, i);

    if (!section || !gelf_getshdr(section, ret_header))
        return sconce_image_refuse(p, NULL, "libelf cannot read section header %u: %s", i,
                                   elf_errmsg(-1));
    return 0;
}

/* elf_strptr() is not used: it looks through the whole table for a NUL, once for each name. */
static int read_section_names(const struct sconce_image_parse *p, struct names *ret_names)
{
    GElf_Shdr header;
    int r;

    if (p->ehdr.e_shstrndx >= p->ehdr.e_shnum)
        return sconce_image_refuse(p, NULL, "its section names are said to be in section %u of %u",
                                   p->ehdr.e_shstrndx, p->ehdr.e_shnum);
    r = read_section(p, p->ehdr.e_shstrndx, &header);
    if (r < 0)
        return r;
    if (header.sh_type != SHT_STRTAB ||
        !sconce_range_within(header.sh_offset, header.sh_size, p->file_bytes))
        return sconce_image_refuse(p, NULL, "its section names, section %u, are malformed",
                                   p->ehdr.e_shstrndx);
    ret_names->text = (const char *)p->file + header.sh_offset;
    ret_names->bytes = header.sh_size;
    return 0;
}

/* Is @wanted, with its NUL, at @at? */
static bool name_is(const struct names *names, uint64_t at, const char *wanted)
{
    uint64_t bytes = strlen(wanted) + 1;

    return sconce_range_within(at, bytes, names->bytes) &&
           memcmp(names->text + at, wanted, bytes) == 0;
}

static int find_sections(const struct sconce_image_parse *p, struct table *tables, size_t count)
{
    struct names names = {0};
    GElf_Shdr header;
    int r;

    /* Without section headers, or names for them, a file has no tables. */
    if (p->ehdr.e_shoff == 0 || p->ehdr.e_shstrndx == SHN_UNDEF)
        return 0;
    r = read_section_names(p, &names);
    if (r < 0)
        return r;
    for (uint32_t i = 1; i < p->ehdr.e_shnum; i++) {
        r = read_section(p, i, &header);
        if (r < 0)
            return r;
        for (size_t t = 0; t < count; t++) {
            if (!name_is(&names, header.sh_name, tables[t].section))
                continue;
            if (tables[t].found)
                return sconce_image_refuse(p, NULL, "it has more than one section %s",
                                           tables[t].section);
            tables[t].found = true;
            tables[t].header = header;
        }
    }
    return 0;
}

/* ---- One entry ------------------------------------------------------------------------------- */

/* Valid UTF-8 without the control characters U+0000 to U+001F and U+007F to U+009F: names are
 * shown on terminals. */
static bool name_valid(const char *name, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)name;

    if (!sconce_utf8_valid(name, bytes))
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && p[i + 1] < 0xa0))
            return false;
    return true;
}

static int read_name(const struct sconce_image_parse *p, const struct table *t, uint32_t i,
                     uint64_t gpa, char **ret_name)
{
    uint64_t left;
    const char *from = (const char *)sconce_image_contents(p, gpa, &left);
    size_t most;
    size_t bytes;

    if (!from)
        return sconce_image_refuse(
            p, NULL, "the name of %s %u at 0x%" PRIx64 " lies outside the contents of its segments",
            t->kind, i, gpa - p->image->base);
    most = left <= SCONCE_NAME_MAX ? left : SCONCE_NAME_MAX + 1;
    bytes = strnlen(from, most);
    if (bytes > SCONCE_NAME_MAX)
        return sconce_image_refuse(p, NULL, "the name of %s %u is longer than %u bytes", t->kind, i,
                                   SCONCE_NAME_MAX);
    if (bytes == most)
        return sconce_image_refuse(p, NULL, "the name of %s %u does not end within its segment",
                                   t->kind, i);
    if (bytes == 0)
        return sconce_image_refuse(p, NULL, "the name of %s %u is empty", t->kind, i);
    if (!name_valid(from, bytes))
        return sconce_image_refuse(
            p, NULL, "the name of %s %u is not UTF-8 without control characters", t->kind, i);
    *ret_name = strndup(from, bytes);
    return *ret_name ? 0 : sconce_image_no_memory(p, bytes);
}

static int check_head(const struct sconce_image_parse *p, const struct table *t, uint32_t i,
                      const struct sconce_function *entry)
{
    if (entry->bytes != sizeof *entry)
        return sconce_image_refuse(p, REBUILD_HINT, "%s %u says that it has %u bytes, not %zu",
                                   t->kind, i, entry->bytes, sizeof *entry);
    if (entry->flags != 0)
        return sconce_image_refuse(p, REBUILD_HINT, "%s %u has the unknown flags 0x%x", t->kind, i,
                                   entry->flags);
    return 0;
}

static int check_function(const struct sconce_image_parse *p, const struct table *t,
                          const struct sconce_function *entry, const char *name)
{
    if (!sconce_signature_valid(entry->signature))
        return sconce_image_refuse(p, REBUILD_HINT, "%s \"%s\" has a malformed signature", t->kind,
                                   name);
    if (t->exports && !sconce_image_executable(p, entry->entry))
        return sconce_image_refuse(p, NULL,
                                   "the entry of export \"%s\", 0x%" PRIx64
                                   ", does not lie in an executable segment",
                                   name, entry->entry - p->image->base);
    if (!t->exports && entry->entry != 0)
        return sconce_image_refuse(p, NULL, "import \"%s\" has an entry; only exports have", name);
    return 0;
}

static int read_function(const struct sconce_image_parse *p, const struct table *t, uint32_t i,
                         const struct sconce_function *entry, struct sconce_image_function *to)
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];
    int r = check_head(p, t, i, entry);

    if (r < 0)
        return r;
    r = read_name(p, t, i, entry->name, &to->name);
    if (r < 0)
        return r;
    r = check_function(p, t, entry, to->name);
    if (r < 0)
        return r;
    sconce_signature_text(entry->signature, text);
    to->text = strdup(text);
    if (!to->text)
        return sconce_image_no_memory(p, strlen(text));
    to->result = (unsigned char)entry->signature[0];
    to->param_count = (uint32_t)strlen(entry->signature + 1);
    memcpy(to->params, entry->signature + 1, to->param_count + 1);
    to->index = i;
    return 0;
}

/* ---- A table --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sconce_image_function *)a)->name,
                  ((const struct sconce_image_function *)b)->name);
}

static int check_section(const struct sconce_image_parse *p, const struct table *t,
                         const uint8_t **ret_from)
{
    uint64_t left = 0;

    if (!(t->header.sh_flags & SHF_ALLOC))
        return sconce_image_refuse(p, NULL, "section %s is not loaded", t->section);
    if (t->header.sh_size % sizeof(struct sconce_function) != 0)
        return sconce_image_refuse(
            p, REBUILD_HINT, "section %s of %" PRIu64 " bytes ends within an entry of %zu",
            t->section, (uint64_t)t->header.sh_size, sizeof(struct sconce_function));
    if (t->header.sh_size / sizeof(struct sconce_function) > SCONCE_IMAGE_MAX_FUNCTIONS)
        return sconce_image_refuse(p, NULL, "it has more than %u %ss", SCONCE_IMAGE_MAX_FUNCTIONS,
                                   t->kind);
    *ret_from = sconce_image_contents(p, t->header.sh_addr + p->image->base, &left);
    if (left < t->header.sh_size)
        return sconce_image_refuse(
            p, NULL, "section %s at 0x%" PRIx64 " lies outside the contents of its segments",
            t->section, (uint64_t)t->header.sh_addr);
    return 0;
}

/* @functions and @count are written entry by entry: sconce_image_free copes with a part. */
static int read_table(const struct sconce_image_parse *p, const struct table *t,
                      struct sconce_image_function **functions, uint32_t *count)
{
    struct sconce_function entry;
    const uint8_t *from = NULL;
    uint32_t n = 0;
    int r;

    if (!t->found || t->header.sh_size == 0)
        return 0;
    r = check_section(p, t, &from);
    if (r < 0)
        return r;
    n = (uint32_t)(t->header.sh_size / sizeof entry);
    *functions = calloc(n, sizeof **functions);
    if (!*functions)
        return sconce_image_no_memory(p, t->header.sh_size);
    for (uint32_t i = 0; i < n; i++) {
        *count = i + 1;
        memcpy(&entry, from + i * sizeof entry, sizeof entry);
        r = read_function(p, t, i, &entry, &(*functions)[i]);
        if (r < 0)
            return r;
    }
    qsort(*functions, *count, sizeof **functions, by_name);
    for (uint32_t i = 1; i < *count; i++)
        if (strcmp((*functions)[i - 1].name, (*functions)[i].name) == 0)
            return sconce_image_refuse(p, "give one of them another name", "it %ss \"%s\" twice",
                                       t->kind, (*functions)[i].name);
    return 0;
}

int sconce_image_read_tables(struct sconce_image_parse *p)
{
    struct table tables[] = {
        {.section = SCONCE_SECTION_EXPORTS, .kind = "export", .exports = true},
        {.section = SCONCE_SECTION_IMPORTS, .kind = "import"},
    };
    int r = find_sections(p, tables, 2);

    if (r < 0)
        return r;
    r = read_table(p, &tables[0], &p->image->exports, &p->image->export_count);
    if (r < 0)
        return r;
    return read_table(p, &tables[1], &p->image->imports, &p->image->import_count);
}
