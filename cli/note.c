/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

static bool within(uint64_t offset, uint64_t length, uint64_t total)
{
    return offset <= total && length <= total - offset;
}

/* The next multiple of @align (4 or 8) that is not below @n. */
static uint64_t padded(uint64_t n, uint64_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* One PT_NOTE segment: headers, owner, descriptor, each padded (ELF gABI, "Note Section"). */
static bool search_segment(const char *notes, uint64_t bytes, uint64_t align, unsigned type,
                           const char **ret_text, size_t *ret_text_bytes)
{
    Elf64_Nhdr header;
    uint64_t at = 0, owner, desc;

    while (within(at, sizeof header, bytes)) {
        memcpy(&header, notes + at, sizeof header);
        owner = at + sizeof header;
        if (!within(owner, header.n_namesz, bytes))
            return false;
        desc = padded(owner + header.n_namesz, align);
        if (!within(desc, header.n_descsz, bytes))
            return false;
        if (header.n_type == type && header.n_namesz == sizeof NOTE_OWNER &&
            memcmp(notes + owner, NOTE_OWNER, sizeof NOTE_OWNER) == 0) {
            *ret_text = notes + desc;
            *ret_text_bytes = strnlen(*ret_text, header.n_descsz);
            return true;
        }
        at = padded(desc + header.n_descsz, align);
    }
    return false;
}

static bool is_elf64(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_phentsize == sizeof(Elf64_Phdr);
}

bool note_find(const void *file, size_t bytes, unsigned type, const char **ret_text,
               size_t *ret_text_bytes)
{
    const char *data = file;
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t table;

    if (bytes < sizeof header)
        return false;
    memcpy(&header, data, sizeof header);
    table = (uint64_t)header.e_phnum * sizeof segment;
    if (!is_elf64(&header) || !within(header.e_phoff, table, bytes))
        return false;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        memcpy(&segment, data + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_NOTE || !within(segment.p_offset, segment.p_filesz, bytes))
            continue;
        if (search_segment(data + segment.p_offset, segment.p_filesz, segment.p_align == 8 ? 8 : 4,
                           type, ret_text, ret_text_bytes))
            return true;
    }
    return false;
}

bool note_next(struct note_span *text, struct note_span *ret_key, struct note_span *ret_value)
{
    while (text->bytes > 0) {
        const char *line = text->data;
        const char *end = memchr(line, '\n', text->bytes);
        size_t length = end ? (size_t)(end - line) : text->bytes;
        const char *equals = memchr(line, '=', length);

        text->data += length + (end != NULL);
        text->bytes -= length + (end != NULL);
        if (!equals)
            continue;
        *ret_key = (struct note_span){line, (size_t)(equals - line)};
        *ret_value = (struct note_span){equals + 1, length - ret_key->bytes - 1};
        return true;
    }
    return false;
}

struct note_span note_value(struct note_span text, const char *key)
{
    struct note_span found, value;

    while (note_next(&text, &found, &value))
        if (found.bytes == strlen(key) && memcmp(found.data, key, found.bytes) == 0)
            return value;
    return (struct note_span){"", 0};
}
