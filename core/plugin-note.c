/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-note.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/elf-machine.h"
#include "common/error.h"
#include "common/parse.h"
#include "sconce-plugin.h"

#define NOTE_BYTES_MAX 4096u

/* This library's own ELF header, put there by the linker: what a plugin has to be built for. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static int refuse(struct sconce_error *err, const char *why)
{
    return sconce_fail(err, SCONCE_E_NO_BACKEND, "%s", why);
}

/* ---- The text -------------------------------------------------------------------------------- */

struct line {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

struct field {
    const char *key;
    size_t offset; /* in struct sconce_plugin_facts; FIELD_ABI and FIELD_MACHINE are numbers */
    bool required;
};

#define FIELD_ABI ((size_t)-1)
#define FIELD_MACHINE ((size_t)-2)
#define TEXT_FIELD(member) offsetof(struct sconce_plugin_facts, member)

static const struct field fields[] = {
    {"abi", FIELD_ABI, true},
    {"name", TEXT_FIELD(name), true},
    {"version", TEXT_FIELD(version), true},
    {"arch", TEXT_FIELD(arch), true},
    {"machine", FIELD_MACHINE, true},
    {"mechanism", TEXT_FIELD(mechanism), true},
    {"isolation", TEXT_FIELD(isolation), true},
    {"status", TEXT_FIELD(status), false},
    {"requires", TEXT_FIELD(requires_), false},
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static bool printable(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

/* "1.0" */
static int parse_abi(const char *text, struct sconce_plugin_facts *facts)
{
    char major[SCONCE_FACT_BYTES];
    const char *dot = strchr(text, '.');
    uint64_t numbers[2];

    if (!dot)
        return -EINVAL;
    memcpy(major, text, (size_t)(dot - text));
    major[dot - text] = '\0';
    if (sconce_parse_u64(major, &numbers[0]) < 0 || sconce_parse_u64(dot + 1, &numbers[1]) < 0 ||
        numbers[0] > UINT16_MAX || numbers[1] > UINT16_MAX)
        return -EINVAL;
    facts->abi_major = (uint16_t)numbers[0];
    facts->abi_minor = (uint16_t)numbers[1];
    return 0;
}

static int parse_machine(const char *text, struct sconce_plugin_facts *facts)
{
    uint64_t machine;

    if (sconce_parse_u64(text, &machine) < 0 || machine > UINT16_MAX)
        return -EINVAL;
    facts->machine = (uint32_t)machine;
    return 0;
}

static int take_field(const struct field *field, const struct line *line,
                      struct sconce_plugin_facts *facts, struct sconce_error *err)
{
    char value[SCONCE_FACT_BYTES];
    int r = 0;

    if (line->value_length >= sizeof value)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note's \"%s\" is longer than %u bytes",
                           field->key, SCONCE_FACT_BYTES - 1);
    if (!printable(line->value, line->value_length))
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note's \"%s\" holds control characters",
                           field->key);
    memcpy(value, line->value, line->value_length);
    value[line->value_length] = '\0';
    if (field->offset == FIELD_ABI)
        r = parse_abi(value, facts);
    else if (field->offset == FIELD_MACHINE)
        r = parse_machine(value, facts);
    else
        memcpy((char *)facts + field->offset, value, line->value_length + 1);
    if (r < 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note says %s=%s, which is no number",
                           field->key, value);
    return 0;
}

/* One "key=value" line. Keys that this core does not know are a later minor's. */
static int take_line(const char *start, size_t length, uint32_t *seen,
                     struct sconce_plugin_facts *facts, struct sconce_error *err)
{
    const char *equals = memchr(start, '=', length);
    struct line line;
    uint32_t i;

    if (!equals)
        return refuse(err, "its note has a line without \"=\"");
    line = (struct line){start, (size_t)(equals - start), equals + 1,
                         length - (size_t)(equals - start) - 1};
    for (i = 0; i < FIELD_COUNT; i++) {
        if (strlen(fields[i].key) != line.key_length ||
            memcmp(fields[i].key, line.key, line.key_length) != 0)
            continue;
        if (*seen & (1u << i))
            return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note says \"%s\" twice",
                               fields[i].key);
        *seen |= 1u << i;
        return take_field(&fields[i], &line, facts, err);
    }
    return 0;
}

static int check_isolation(const struct sconce_plugin_facts *facts, struct sconce_error *err)
{
    static const char *const words[] = {"vm", "process", "none"};
    size_t i;

    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(facts->isolation, words[i]))
            return 0;
    return sconce_fail(err, SCONCE_E_NO_BACKEND,
                       "its note says isolation=%s, which is none of vm, process, none",
                       facts->isolation);
}

int sconce_plugin_note_parse(const char *text, size_t bytes, struct sconce_plugin_facts *ret_facts,
                             struct sconce_error *err)
{
    struct sconce_plugin_facts facts = {0};
    const char *end;
    uint32_t seen = 0;
    size_t i;
    int r;

    if (bytes == 0 || memchr(text, '\0', bytes) != text + bytes - 1)
        return refuse(err, "its note does not end with its only NUL");
    for (end = text + bytes - 1; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        if (!newline)
            return refuse(err, "its note's last line does not end");
        r = take_line(text, (size_t)(newline - text), &seen, &facts, err);
        if (r < 0)
            return r;
        text = newline + 1;
    }
    for (i = 0; i < FIELD_COUNT; i++)
        if (fields[i].required && !(seen & (1u << i)))
            return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note does not say \"%s\"",
                               fields[i].key);
    r = check_isolation(&facts, err);
    if (r == 0)
        *ret_facts = facts;
    return r;
}

/* ---- The file -------------------------------------------------------------------------------- */

static void cleanup_elf(Elf *const *elf)
{
    elf_end(*elf);
}

static int check_header(Elf *elf, struct sconce_error *err)
{
    GElf_Ehdr header;

    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
        return refuse(err, "it is not an ELF file");
    if (header.e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
        header.e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA])
        return refuse(err, "it is built for machines of another word size or byte order");
    if (header.e_machine != __ehdr_start.e_machine)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "it is built for %s, this program for %s",
                           sconce_elf_machine_word(header.e_machine).text,
                           sconce_elf_machine_word(__ehdr_start.e_machine).text);
    if (header.e_type != ET_DYN)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "it is not a shared object (its ELF type is %u)", header.e_type);
    return 0;
}

/* Looks through one PT_NOTE segment. Returns 1 when the note was there. */
static int search_segment(Elf *elf, const GElf_Phdr *segment, const char **ret_text,
                          size_t *ret_bytes, struct sconce_error *err)
{
    /* Segments of 8-byte aligned notes hold properties of the linker's. */
    Elf_Type type = segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
    Elf_Data *data;
    size_t at = 0, name_at, text_at;
    GElf_Nhdr note;

    if (segment->p_offset > INT64_MAX)
        return refuse(err, "its ELF note lies outside the file");
    data = elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, segment->p_filesz, type);
    if (!data)
        return refuse(err, "its ELF note lies outside the file");
    while (at < data->d_size && (at = gelf_getnote(data, at, &note, &name_at, &text_at)) > 0) {
        const char *base = data->d_buf;

        if (note.n_namesz != sizeof SCONCE_NOTE_OWNER || note.n_type != SCONCE_NOTE_PLUGIN ||
            memcmp(base + name_at, SCONCE_NOTE_OWNER, sizeof SCONCE_NOTE_OWNER) != 0)
            continue;
        if (note.n_descsz > NOTE_BYTES_MAX)
            return sconce_fail(err, SCONCE_E_NO_BACKEND, "its note is longer than %u bytes",
                               NOTE_BYTES_MAX);
        *ret_text = base + text_at;
        *ret_bytes = note.n_descsz;
        return 1;
    }
    return 0;
}

static int find_note(Elf *elf, const char **ret_text, size_t *ret_bytes, struct sconce_error *err)
{
    size_t count, i;

    if (elf_getphdrnum(elf, &count) < 0)
        return refuse(err, "its program headers cannot be read");
    for (i = 0; i < count && i < PN_XNUM; i++) {
        GElf_Phdr segment;
        int r;

        if (!gelf_getphdr(elf, (int)i, &segment))
            return refuse(err, "its program headers cannot be read");
        if (segment.p_type != PT_NOTE)
            continue;
        r = search_segment(elf, &segment, ret_text, ret_bytes, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return refuse(err, "it has no " SCONCE_NOTE_OWNER " note, so it is no backend");
}

int sconce_plugin_note_read(int fd, struct sconce_plugin_facts *ret_facts, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_elf) Elf *elf = NULL;
    const char *text = NULL;
    size_t bytes = 0;
    int r;

    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ, NULL);
    if (!elf)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "it cannot be read: %s", elf_errmsg(-1));
    r = check_header(elf, err);
    if (r == 0)
        r = find_note(elf, &text, &bytes, err);
    if (r == 0)
        r = sconce_plugin_note_parse(text, bytes, ret_facts, err);
    return r;
}
