/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest note: the one that sconce-cc puts into every guest, found through PT_NOTE. Says which
 * guest ABI the file was built against and who relocates it; anything else in the file is not its
 * business.
 */
#include <inttypes.h>
#include <string.h>

#include "common/overflow.h"
#include "core/image-internal.h"

#define REBUILD_HINT "build it again with the sconce-cc that belongs to this version of Sconce"

/* Build ids and properties take some hundred bytes. Bounds the work on segments that overlap. */
#define NOTES_BYTES_MAX (1u << 20)

struct search {
    struct sconce_guest_note note;
    bool found;
    bool plugin; /* a backend plugin's note was seen */
};

static int check_abi(const struct sconce_image_parse *p, uint32_t abi)
{
    if (abi > SCONCE_GUEST_ABI_CURRENT)
        return sconce_image_refuse(p, "update Sconce, or build the guest with an older sconce-cc",
                                   "it was built for guest ABI %u; this host takes %u to %u", abi,
                                   SCONCE_GUEST_ABI_MIN, SCONCE_GUEST_ABI_CURRENT);
    if (abi < SCONCE_GUEST_ABI_MIN)
        return sconce_image_refuse(p, REBUILD_HINT,
                                   "it was built for the outdated guest ABI %u; this host takes "
                                   "%u to %u",
                                   abi, SCONCE_GUEST_ABI_MIN, SCONCE_GUEST_ABI_CURRENT);
    return 0;
}

static int check_note(const struct sconce_image_parse *p, const struct sconce_guest_note *note)
{
    if (note->reloc != SCONCE_RELOC_HOST && note->reloc != SCONCE_RELOC_SELF)
        return sconce_image_refuse(p, REBUILD_HINT,
                                   "its note wants the unknown way of relocation %u", note->reloc);
    if (note->reserved[0] != 0 || note->reserved[1] != 0)
        return sconce_image_refuse(p, REBUILD_HINT, "a reserved field of its note is not zero");
    return 0;
}

static int take_note(const struct sconce_image_parse *p, const void *desc, uint64_t bytes,
                     struct search *search)
{
    uint32_t abi;
    int r;

    /* Another version's note may have another size: the version comes first. */
    if (bytes >= sizeof abi) {
        memcpy(&abi, desc, sizeof abi);
        r = check_abi(p, abi);
        if (r < 0)
            return r;
    }
    if (bytes != sizeof search->note)
        return sconce_image_refuse(p, REBUILD_HINT,
                                   "its note is malformed: %" PRIu64 " bytes, not %zu", bytes,
                                   sizeof search->note);
    if (search->found)
        return sconce_image_refuse(p, "link the guest SDK's start-up code once",
                                   "it has more than one guest note");
    memcpy(&search->note, desc, sizeof search->note);
    search->found = true;
    return 0;
}

static bool owner_is_sconce(const char *name, uint64_t bytes)
{
    return bytes == sizeof SCONCE_NOTE_OWNER && memcmp(name, SCONCE_NOTE_OWNER, bytes) == 0;
}

static int search_segment(const struct sconce_image_parse *p, uint32_t i, struct search *search)
{
    const GElf_Phdr *h = &p->headers[i];
    Elf_Data *data;
    size_t at = 0;

    if (!sconce_range_within(h->p_offset, h->p_filesz, p->file_bytes))
        return sconce_image_refuse(p, NULL,
                                   "it is truncated: notes at offset %" PRIu64
                                   ", but the file has %" PRIu64 " bytes",
                                   (uint64_t)h->p_offset, p->file_bytes);
    if (h->p_filesz == 0)
        return 0;
    if (h->p_filesz > NOTES_BYTES_MAX)
        return sconce_image_refuse(p, NULL, "note segment %u has more than %u bytes", i,
                                   NOTES_BYTES_MAX);
    data = elf_getdata_rawchunk(p->elf, (int64_t)h->p_offset, h->p_filesz,
                                h->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (!data)
        return sconce_image_refuse(p, NULL, "libelf cannot read note segment %u: %s", i,
                                   elf_errmsg(-1));
    /* What is shorter than a note's header is padding. */
    while (data->d_size - at >= sizeof(GElf_Nhdr)) {
        GElf_Nhdr note;
        size_t name_at = 0;
        size_t desc_at = 0;
        size_t next = gelf_getnote(data, at, &note, &name_at, &desc_at);
        int r;

        if (next <= at || next > data->d_size ||
            !sconce_range_within(name_at, note.n_namesz, data->d_size) ||
            !sconce_range_within(desc_at, note.n_descsz, data->d_size))
            return sconce_image_refuse(p, NULL, "note segment %u is malformed at byte %zu", i, at);
        at = next;
        if (!owner_is_sconce((const char *)data->d_buf + name_at, note.n_namesz))
            continue;
        search->plugin |= note.n_type == SCONCE_NOTE_PLUGIN;
        if (note.n_type != SCONCE_NOTE_GUEST)
            continue;
        r = take_note(p, (const char *)data->d_buf + desc_at, note.n_descsz, search);
        if (r < 0)
            return r;
    }
    return 0;
}

int sconce_image_read_note(struct sconce_image_parse *p)
{
    struct search search = {0};
    int r;

    for (uint32_t i = 0; i < p->header_count; i++) {
        if (p->headers[i].p_type != PT_NOTE)
            continue;
        r = search_segment(p, i, &search);
        if (r < 0)
            return r;
    }
    if (!search.found && search.plugin)
        return sconce_image_refuse(p, NULL, "it is a backend plugin, not a guest");
    if (!search.found)
        return sconce_image_refuse(p, "build guests with sconce-cc",
                                   "it has no guest note, so it is no Sconce guest");
    r = check_note(p, &search.note);
    if (r < 0)
        return r;
    p->image->abi = search.note.abi;
    p->image->reloc = search.note.reloc;
    return 0;
}
