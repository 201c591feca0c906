/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a guest image: the ELF header is checked before libelf sees the file, then each part
 * of the file is handed to the unit that knows it. Applies no relocation and reads no table itself.
 */
#include "core/image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/overflow.h"
#include "core/image-internal.h"

#define BUILD_HINT "build guests with sconce-cc"
#define STATIC_HINT "link it statically, as sconce-cc does"

/* So much of a long path leaves room for the reason. */
#define NAME_IN_MESSAGES 400

int sconce_image_refuse(const struct sconce_image_parse *p, const char *hint, const char *format,
                        ...)
{
    char why[512];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return sconce_fail_hint(p->err, SCONCE_E_GUEST_FORMAT, hint, "cannot load guest %.*s: %s",
                            NAME_IN_MESSAGES, p->name, why);
}

int sconce_image_no_memory(const struct sconce_image_parse *p, uint64_t bytes)
{
    return sconce_fail(p->err, SCONCE_E_NO_MEMORY,
                       "cannot load guest %.*s: no memory for %" PRIu64 " bytes", NAME_IN_MESSAGES,
                       p->name, bytes);
}

/* ---- The ELF header -------------------------------------------------------------------------- */

static int check_ident(const struct sconce_image_parse *p)
{
    const uint8_t *ident = p->file;

    if (p->file_bytes < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return sconce_image_refuse(p, BUILD_HINT, "it is not an ELF file");
    if (p->file_bytes < sizeof(Elf64_Ehdr))
        return sconce_image_refuse(p, NULL,
                                   "it is truncated: %" PRIu64 " bytes are less than an ELF header",
                                   p->file_bytes);
    if (ident[EI_CLASS] == ELFCLASS32)
        return sconce_image_refuse(p, "compile for a 64-bit target", "it is a 32-bit ELF file");
    if (ident[EI_CLASS] != ELFCLASS64)
        return sconce_image_refuse(p, NULL, "its ELF class %u is unknown", ident[EI_CLASS]);
    if (ident[EI_DATA] == ELFDATA2MSB)
        return sconce_image_refuse(p, "compile for a little-endian target",
                                   "it is a big-endian ELF file");
    if (ident[EI_DATA] != ELFDATA2LSB)
        return sconce_image_refuse(p, NULL, "its ELF byte order %u is unknown", ident[EI_DATA]);
    if (ident[EI_VERSION] != EV_CURRENT)
        return sconce_image_refuse(p, NULL, "its ELF version %u is unknown", ident[EI_VERSION]);
    return 0;
}

static int check_type(const struct sconce_image_parse *p, const Elf64_Ehdr *ehdr)
{
    switch (ehdr->e_type) {
    case ET_EXEC:
    case ET_DYN:
        return 0;
    case ET_REL:
        return sconce_image_refuse(p, "link it: sconce-cc -o GUEST.elf FILE.o",
                                   "it is an object file that was not linked");
    case ET_CORE:
        return sconce_image_refuse(p, NULL, "it is a core dump");
    default:
        return sconce_image_refuse(p, NULL, "its ELF type %u is unknown", ehdr->e_type);
    }
}

/* What every use of a file needs, whether a backend is at hand or not. */
static int read_header(const struct sconce_image_parse *p, Elf64_Ehdr *ret_ehdr)
{
    int r = check_ident(p);

    if (r < 0)
        return r;
    memcpy(ret_ehdr, p->file, sizeof *ret_ehdr);
    return check_type(p, ret_ehdr);
}

/* The header tables lie within the file and are no longer than a linker makes them: libelf
 * allocates by these numbers. */
static int check_header_tables(const struct sconce_image_parse *p, const Elf64_Ehdr *ehdr)
{
    if (ehdr->e_phnum == 0)
        return sconce_image_refuse(p, BUILD_HINT, "it has no program headers");
    if (ehdr->e_phentsize != sizeof(Elf64_Phdr))
        return sconce_image_refuse(p, NULL, "its program headers have %u bytes each, not %zu",
                                   ehdr->e_phentsize, sizeof(Elf64_Phdr));
    if (ehdr->e_phnum > IMAGE_MAX_HEADERS)
        return sconce_image_refuse(p, NULL, "it has %u program headers; at most %u are read",
                                   ehdr->e_phnum, IMAGE_MAX_HEADERS);
    if (!sconce_range_within(ehdr->e_phoff, ehdr->e_phnum * sizeof(Elf64_Phdr), p->file_bytes))
        return sconce_image_refuse(p, NULL,
                                   "it is truncated: program headers at offset %" PRIu64
                                   ", but the file has %" PRIu64 " bytes",
                                   (uint64_t)ehdr->e_phoff, p->file_bytes);
    if (ehdr->e_shoff == 0)
        return 0;
    if (ehdr->e_shentsize != sizeof(Elf64_Shdr))
        return sconce_image_refuse(p, NULL, "its section headers have %u bytes each, not %zu",
                                   ehdr->e_shentsize, sizeof(Elf64_Shdr));
    /* 0 stands for a number beyond 65279 that the first section header holds (gABI 4). */
    if (ehdr->e_shnum == 0)
        return sconce_image_refuse(p, NULL, "it has too many sections, or says 0 of them");
    if (!sconce_range_within(ehdr->e_shoff, ehdr->e_shnum * sizeof(Elf64_Shdr), p->file_bytes))
        return sconce_image_refuse(p, NULL,
                                   "it is truncated: section headers at offset %" PRIu64
                                   ", but the file has %" PRIu64 " bytes",
                                   (uint64_t)ehdr->e_shoff, p->file_bytes);
    return 0;
}

static int open_elf(struct sconce_image_parse *p)
{
    elf_version(EV_CURRENT);
    /* libelf takes no const, but memory that it is given is only ever read. */
    p->elf = elf_memory((char *)(uintptr_t)p->file, p->file_bytes);
    if (!p->elf || elf_kind(p->elf) != ELF_K_ELF || !gelf_getehdr(p->elf, &p->ehdr))
        return sconce_image_refuse(p, NULL, "libelf cannot read it: %s", elf_errmsg(-1));
    for (uint32_t i = 0; i < p->ehdr.e_phnum; i++)
        if (!gelf_getphdr(p->elf, (int)i, &p->headers[i]))
            return sconce_image_refuse(p, NULL, "libelf cannot read program header %u: %s", i,
                                       elf_errmsg(-1));
    p->header_count = p->ehdr.e_phnum;
    return 0;
}

/* What other loaders would do, and this one never does. */
static int refuse_unwanted(const struct sconce_image_parse *p)
{
    for (uint32_t i = 0; i < p->header_count; i++) {
        if (p->headers[i].p_type == PT_INTERP)
            return sconce_image_refuse(p, STATIC_HINT,
                                       "it asks for a program interpreter (PT_INTERP): it is "
                                       "dynamically linked");
        if (p->headers[i].p_type == PT_GNU_STACK && p->headers[i].p_flags & PF_X)
            return sconce_image_refuse(
                p, "add -z noexecstack, and .note.GNU-stack sections to assembly files",
                "it asks for an executable stack");
    }
    return 0;
}

/* ---- The image ------------------------------------------------------------------------------- */

/* A guest that relocates itself starts from the file's own bytes: keep them before the parts are
 * relocated for the host's eyes. Only what can be relocated needs a copy. */
static int keep_unrelocated(struct sconce_image_parse *p)
{
    if (p->image->reloc != SCONCE_RELOC_SELF)
        return 0;
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        struct sconce_image_segment *segment = &p->image->segments[i];
        const struct sconce_image_part *part = &p->parts[i];

        if (!(segment->prot & IMAGE_PROT_WRITE) || part->bytes == 0)
            continue;
        segment->init = malloc(part->bytes);
        if (!segment->init)
            return sconce_image_no_memory(p, part->bytes);
        memcpy(segment->init, part->contents, part->bytes);
        segment->init_bytes = part->bytes;
    }
    return 0;
}

/* Hand the contents over to the segments, but for those that keep_unrelocated() has served. */
static void keep_contents(struct sconce_image_parse *p)
{
    bool self = p->image->reloc == SCONCE_RELOC_SELF;

    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        struct sconce_image_segment *segment = &p->image->segments[i];

        if (self && segment->prot & IMAGE_PROT_WRITE)
            continue;
        segment->init = SCONCE_STEAL(p->parts[i].contents);
        segment->init_bytes = p->parts[i].bytes;
    }
}

static int check_entry(struct sconce_image_parse *p)
{
    p->image->entry = p->ehdr.e_entry + p->image->base;
    if (!sconce_image_executable(p, p->image->entry))
        return sconce_image_refuse(
            p, NULL, "its entry point 0x%" PRIx64 " does not lie in an executable segment",
            (uint64_t)p->ehdr.e_entry);
    return 0;
}

static int build(struct sconce_image_parse *p)
{
    static int (*const steps[])(struct sconce_image_parse *) = {
        sconce_image_read_note, sconce_image_load_segments, check_entry,
        keep_unrelocated,       sconce_image_relocate,      sconce_image_read_tables,
    };

    p->image = calloc(1, sizeof *p->image);
    if (!p->image || !(p->image->name = strdup(p->name)))
        return sconce_image_no_memory(p, sizeof *p->image);
    p->image->machine = p->ehdr.e_machine;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int r = steps[i](p);

        if (r < 0)
            return r;
    }
    keep_contents(p);
    return 0;
}

static void fini_parse(struct sconce_image_parse *p)
{
    for (uint32_t i = 0; i < SCONCE_IMAGE_MAX_SEGMENTS; i++)
        free(p->parts[i].contents);
    sconce_image_free(p->image);
    elf_end(p->elf);
}

int sconce_image_new(const void *data, size_t bytes, const char *name, uint32_t reloc_relative,
                     uint64_t memory_limit, struct sconce_image **ret_image,
                     struct sconce_error *err)
{
    SCONCE_CLEANUP(fini_parse)
    struct sconce_image_parse p = {
        .file = data,
        .file_bytes = bytes,
        .name = name ? name : "(unnamed)",
        .reloc_relative = reloc_relative,
        .memory_limit = memory_limit,
        .err = err,
    };
    Elf64_Ehdr ehdr;
    int r;

    r = read_header(&p, &ehdr);
    if (r < 0)
        return r;
    r = check_header_tables(&p, &ehdr);
    if (r < 0)
        return r;
    r = open_elf(&p);
    if (r < 0)
        return r;
    r = refuse_unwanted(&p);
    if (r < 0)
        return r;
    r = build(&p);
    if (r < 0)
        return r;
    *ret_image = SCONCE_STEAL(p.image);
    return 0;
}

int sconce_image_machine(const void *data, size_t bytes, const char *name, uint32_t *ret_machine,
                         struct sconce_error *err)
{
    const struct sconce_image_parse p = {
        .file = data,
        .file_bytes = bytes,
        .name = name ? name : "(unnamed)",
        .err = err,
    };
    Elf64_Ehdr ehdr;
    int r = read_header(&p, &ehdr);

    if (r < 0)
        return r;
    *ret_machine = ehdr.e_machine;
    return 0;
}

static void free_functions(struct sconce_image_function *functions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(functions[i].name);
        free(functions[i].text);
    }
    free(functions);
}

void sconce_image_free(struct sconce_image *image)
{
    if (!image)
        return;
    for (uint32_t i = 0; i < image->segment_count; i++)
        free(image->segments[i].init);
    free_functions(image->exports, image->export_count);
    free_functions(image->imports, image->import_count);
    free(image->name);
    free(image);
}
