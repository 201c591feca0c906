/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic section of a guest and its relative relocations, RELA and RELR. Knows one relocation
 * type, and that only by the number it is given. The tables are read from the file's own bytes,
 * which relocating cannot change; the results go into the parts.
 */
#include <inttypes.h>
#include <string.h>

#include "core/image-internal.h"

#define STATIC_HINT "link with -static-pie and without shared libraries (sconce-cc does)"
#define PIE_HINT "compile everything with -fPIE, and keep pointers out of constants in assembly"

#define WORD sizeof(uint64_t) /* what a relative relocation writes */

/* R_X86_64_NONE and R_AARCH64_NONE: linkers fill gaps with it. */
#define RELOC_NONE 0u

/* An array that the dynamic section describes; bytes 0 when there is none. */
struct table {
    uint64_t address;
    uint64_t bytes;
    uint64_t entry_bytes;
};

struct dynamic {
    struct table rela;
    struct table relr;
    struct table plt;
    uint64_t plt_kind; /* DT_RELA or DT_REL */
    uint64_t rel_bytes;
    bool text_relocations;
    bool needs_libraries;
};

/* ---- The dynamic section --------------------------------------------------------------------- */

static void take_tag(struct dynamic *d, const Elf64_Dyn *dyn)
{
    uint64_t value = dyn->d_un.d_val;

    switch (dyn->d_tag) {
    case DT_RELA:
        d->rela.address = value;
        break;
    case DT_RELASZ:
        d->rela.bytes = value;
        break;
    case DT_RELAENT:
        d->rela.entry_bytes = value;
        break;
    case DT_RELR:
        d->relr.address = value;
        break;
    case DT_RELRSZ:
        d->relr.bytes = value;
        break;
    case DT_RELRENT:
        d->relr.entry_bytes = value;
        break;
    case DT_JMPREL:
        d->plt.address = value;
        break;
    case DT_PLTRELSZ:
        d->plt.bytes = value;
        break;
    case DT_PLTREL:
        d->plt_kind = value;
        break;
    case DT_RELSZ:
        d->rel_bytes = value;
        break;
    case DT_TEXTREL:
        d->text_relocations = true;
        break;
    case DT_FLAGS:
        d->text_relocations |= (value & DF_TEXTREL) != 0;
        break;
    case DT_NEEDED:
        d->needs_libraries = true;
        break;
    default:
        break;
    }
}

/* Its program header; NULL when there is none, which is fine. */
static int find_dynamic(const struct sconce_image_parse *p, const GElf_Phdr **ret_header)
{
    *ret_header = NULL;
    for (uint32_t i = 0; i < p->header_count; i++) {
        if (p->headers[i].p_type != PT_DYNAMIC)
            continue;
        if (*ret_header)
            return sconce_image_refuse(p, NULL, "it has more than one dynamic section");
        *ret_header = &p->headers[i];
    }
    return 0;
}

static int read_dynamic(const struct sconce_image_parse *p, struct dynamic *d)
{
    const GElf_Phdr *header;
    const uint8_t *from = NULL;
    Elf64_Dyn dyn;
    int r = find_dynamic(p, &header);

    if (r < 0 || !header)
        return r;
    from = sconce_image_file_span(p, header->p_vaddr + p->image->base, header->p_filesz);
    if (!from)
        return sconce_image_refuse(p, NULL,
                                   "its dynamic section at 0x%" PRIx64
                                   " lies outside the contents of its segments",
                                   (uint64_t)header->p_vaddr);
    for (uint64_t at = 0; header->p_filesz - at >= sizeof dyn; at += sizeof dyn) {
        memcpy(&dyn, from + at, sizeof dyn);
        if (dyn.d_tag == DT_NULL)
            break;
        take_tag(d, &dyn);
    }
    return 0;
}

static int check_dynamic(const struct sconce_image_parse *p, const struct dynamic *d)
{
    if (d->needs_libraries)
        return sconce_image_refuse(p, STATIC_HINT, "it needs shared libraries (DT_NEEDED)");
    if (d->text_relocations)
        return sconce_image_refuse(p, PIE_HINT, "it needs its code relocated (DT_TEXTREL)");
    if (p->image->reloc == SCONCE_RELOC_HOST &&
        (d->rel_bytes != 0 || (d->plt.bytes != 0 && d->plt_kind != DT_RELA)))
        return sconce_image_refuse(p, NULL,
                                   "it has relocations of the kind REL; guests have RELA or RELR");
    return 0;
}

/* Where the file holds @table; @what for messages. */
static int find_table(const struct sconce_image_parse *p, const struct table *table,
                      const char *what, uint64_t entry_bytes, const uint8_t **ret_from)
{
    if (table->entry_bytes != entry_bytes)
        return sconce_image_refuse(p, NULL, "its %s entries have %" PRIu64 " bytes, not %" PRIu64,
                                   what, table->entry_bytes, entry_bytes);
    if (table->bytes % entry_bytes != 0)
        return sconce_image_refuse(
            p, NULL, "its %s table of %" PRIu64 " bytes ends within an entry", what, table->bytes);
    *ret_from = sconce_image_file_span(p, table->address + p->image->base, table->bytes);
    if (!*ret_from)
        return sconce_image_refuse(
            p, NULL, "its %s table at 0x%" PRIx64 " lies outside the contents of its segments",
            what, table->address);
    return 0;
}

/* ---- Applying -------------------------------------------------------------------------------- */

/* The bytes that a relocation at @gpa writes: within the image, writable, reserved. */
static int find_target(struct sconce_image_parse *p, uint64_t gpa, uint8_t **ret_target)
{
    int i = sconce_image_part_at(p, gpa, WORD);
    int r;

    if (i < 0)
        return sconce_image_refuse(p, NULL,
                                   "a relocation writes to 0x%" PRIx64 ", outside its segments",
                                   gpa - p->image->base);
    if (!(p->image->segments[i].prot & IMAGE_PROT_WRITE))
        return sconce_image_refuse(p, PIE_HINT,
                                   "a relocation writes to 0x%" PRIx64
                                   ", in segment %u, which is not writable",
                                   gpa - p->image->base, p->parts[i].header);
    r = sconce_image_reserve(p, (uint32_t)i, gpa + WORD);
    if (r < 0)
        return r;
    *ret_target = p->parts[i].contents + (gpa - p->image->segments[i].gpa);
    return 0;
}

static bool is_relative(const struct sconce_image_parse *p, const Elf64_Rela *rela)
{
    if (p->reloc_relative == 0)
        return ELF64_R_SYM(rela->r_info) == 0;
    return ELF64_R_TYPE(rela->r_info) == p->reloc_relative;
}

static int apply_rela(struct sconce_image_parse *p, const Elf64_Rela *rela)
{
    uint64_t value = (uint64_t)rela->r_addend + p->image->base;
    uint8_t *target;
    int r;

    if (ELF64_R_TYPE(rela->r_info) == RELOC_NONE)
        return 0;
    if (!is_relative(p, rela)) {
        /* IRELATIVE and its like are resolved by the guest's own start-up code. */
        if (p->image->reloc == SCONCE_RELOC_SELF)
            return 0;
        return sconce_image_refuse(p, STATIC_HINT,
                                   "the relocation at 0x%" PRIx64 " has type %" PRIu64
                                   "; only relative ones can be applied",
                                   (uint64_t)rela->r_offset, (uint64_t)ELF64_R_TYPE(rela->r_info));
    }
    r = find_target(p, rela->r_offset + p->image->base, &target);
    if (r < 0)
        return r;
    memcpy(target, &value, sizeof value);
    return 0;
}

static int apply_rela_table(struct sconce_image_parse *p, const struct table *table,
                            const char *what)
{
    const uint8_t *from = NULL;
    Elf64_Rela rela;
    int r;

    if (table->bytes == 0)
        return 0;
    r = find_table(p, table, what, sizeof rela, &from);
    if (r < 0)
        return r;
    for (uint64_t at = 0; at < table->bytes; at += sizeof rela) {
        memcpy(&rela, from + at, sizeof rela);
        r = apply_rela(p, &rela);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_base(struct sconce_image_parse *p, uint64_t gpa)
{
    uint64_t value;
    uint8_t *target;
    int r = find_target(p, gpa, &target);

    if (r < 0)
        return r;
    memcpy(&value, target, sizeof value);
    value += p->image->base;
    memcpy(target, &value, sizeof value);
    return 0;
}

/*
 * One RELR entry (gABI, SHT_RELR): an even one is the address of a word to relocate; an odd one is
 * a bitmap of the 63 words that follow the last. @next is the first word that was not yet covered:
 * the addresses must rise, since relocating a word twice would add the base twice; that also bounds
 * the work by the size of the image.
 */
static int apply_relr(struct sconce_image_parse *p, uint64_t entry, uint64_t *next)
{
    if ((entry & 1) == 0) {
        if (entry < *next)
            return sconce_image_refuse(p, NULL, "its RELR table goes back to 0x%" PRIx64, entry);
        *next = entry + WORD;
        return add_base(p, entry + p->image->base);
    }
    if (*next == 0)
        return sconce_image_refuse(p, NULL, "its RELR table begins with a bitmap");
    for (uint64_t bits = entry >> 1, gpa = *next + p->image->base; bits != 0;
         bits >>= 1, gpa += WORD) {
        int r = (bits & 1) != 0 ? add_base(p, gpa) : 0;

        if (r < 0)
            return r;
    }
    *next += 63 * WORD;
    return 0;
}

static int apply_relr_table(struct sconce_image_parse *p, const struct table *table)
{
    uint64_t next = 0;
    const uint8_t *from = NULL;
    uint64_t entry;
    int r;

    if (table->bytes == 0)
        return 0;
    r = find_table(p, table, "RELR", sizeof entry, &from);
    if (r < 0)
        return r;
    for (uint64_t at = 0; at < table->bytes; at += sizeof entry) {
        memcpy(&entry, from + at, sizeof entry);
        r = apply_relr(p, entry, &next);
        if (r < 0)
            return r;
    }
    return 0;
}

int sconce_image_relocate(struct sconce_image_parse *p)
{
    struct dynamic d = {.rela.entry_bytes = sizeof(Elf64_Rela),
                        .relr.entry_bytes = sizeof(uint64_t),
                        .plt.entry_bytes = sizeof(Elf64_Rela)};
    int r = read_dynamic(p, &d);

    if (r < 0)
        return r;
    r = check_dynamic(p, &d);
    if (r < 0)
        return r;
    r = apply_rela_table(p, &d.rela, "RELA");
    if (r < 0)
        return r;
    r = apply_relr_table(p, &d.relr);
    if (r < 0)
        return r;
    /* A guest that relocates itself has IRELATIVE there, and that is its own business. */
    return p->image->reloc == SCONCE_RELOC_HOST ? apply_rela_table(p, &d.plt, "PLT relocation") : 0;
}
