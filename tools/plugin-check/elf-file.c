/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/elf-file.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "sconce-plugin.h"

static void end_elf(Elf **elf)
{
    elf_end(*elf);
}

static void copy_name(char to[64], const char *name)
{
    snprintf(to, 64, "%s", name ? name : "?");
}

/* Notes are read by segment, as the loader reads them: section headers can be stripped. */
static void read_notes(Elf *file, const GElf_Phdr *segment, struct check_elf *ret)
{
    Elf_Data *data = elf_getdata_rawchunk(file, (int64_t)segment->p_offset, segment->p_filesz,
                                          segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    size_t at = 0, next, name_at, desc_at;
    GElf_Nhdr note;

    while (data && (next = gelf_getnote(data, at, &note, &name_at, &desc_at)) > 0) {
        const char *bytes = data->d_buf;

        at = next;
        if (note.n_type != SCONCE_NOTE_PLUGIN || note.n_namesz != sizeof SCONCE_NOTE_OWNER ||
            memcmp(bytes + name_at, SCONCE_NOTE_OWNER, sizeof SCONCE_NOTE_OWNER) != 0)
            continue;
        ret->notes++;
        if (note.n_descsz < sizeof ret->note)
            memcpy(ret->note, bytes + desc_at, note.n_descsz);
    }
}

static void read_dynamic(Elf *file, Elf_Scn *section, const GElf_Shdr *header,
                         struct check_elf *ret)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Dyn entry;

    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        if (entry.d_tag == DT_NEEDED && ret->needed_count < CHECK_ELF_MAX_NAMES)
            copy_name(ret->needed[ret->needed_count++],
                      elf_strptr(file, header->sh_link, entry.d_un.d_val));
    }
}

static void read_symbols(Elf *file, Elf_Scn *section, const GElf_Shdr *header,
                         struct check_elf *ret)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym symbol;

    for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
        if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL)
            continue;
        if (ret->exported_count < CHECK_ELF_MAX_NAMES)
            copy_name(ret->exported[ret->exported_count],
                      elf_strptr(file, header->sh_link, symbol.st_name));
        ret->exported_count++;
    }
}

const char *check_elf_read(const char *path, struct check_elf *ret_elf)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    SCONCE_CLEANUP(end_elf) Elf *file = NULL;
    Elf_Scn *section = NULL;
    size_t segments = 0;

    memset(ret_elf, 0, sizeof *ret_elf);
    if (fd < 0)
        return "it cannot be opened";
    elf_version(EV_CURRENT);
    file = elf_begin(fd, ELF_C_READ, NULL);
    if (!file || elf_kind(file) != ELF_K_ELF || elf_getphdrnum(file, &segments) != 0)
        return "it is no ELF file";
    for (size_t i = 0; i < segments; i++) {
        GElf_Phdr segment;

        if (gelf_getphdr(file, (int)i, &segment) && segment.p_type == PT_NOTE)
            read_notes(file, &segment, ret_elf);
    }
    while ((section = elf_nextscn(file, section)) != NULL) {
        GElf_Shdr header;

        if (!gelf_getshdr(section, &header))
            continue;
        if (header.sh_type == SHT_DYNAMIC)
            read_dynamic(file, section, &header, ret_elf);
        else if (header.sh_type == SHT_DYNSYM)
            read_symbols(file, section, &header, ret_elf);
    }
    return NULL;
}

bool check_elf_fact(const struct check_elf *elf, const char *key, char *value, size_t bytes)
{
    size_t length = strlen(key);
    const char *line = elf->note;

    while (line[0] != '\0') {
        size_t line_length = strcspn(line, "\n");

        if (strncmp(line, key, length) == 0 && line[length] == '=') {
            snprintf(value, bytes, "%.*s", (int)(line_length - length - 1), line + length + 1);
            return true;
        }
        line += line_length + (line[line_length] == '\n');
    }
    return false;
}
