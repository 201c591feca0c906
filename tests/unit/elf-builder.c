/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays a guest out front to back in one buffer: ELF header, program headers, note, relocations,
 * names, text, dynamic section, tables, words, section names, section headers. What is written is
 * what GNU ld writes; nothing here is shared with the code that it tests.
 */
#include "elf-builder.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 32u
#define WORDS 4u
#define DYN_ENTRIES 24u
#define BITMAP_BYTES (63 * sizeof(uint64_t)) /* what a RELR bitmap covers */
#define FUNCTION_BYTES 512u                  /* room for a function: entry, relocations, name */

static const struct elf_function default_exports[] = {{"zip", "ysb"}, {"add", "iii"}};
static const struct elf_function default_imports[] = {{"now", "l"}, {"log", "ns"}};

struct reloc {
    uint64_t offset;
    uint64_t addend;
};

struct build {
    struct elf_guest *guest;
    const struct elf_options *options;
    struct reloc *relocs;
    size_t reloc_count;
    uint64_t *name_addresses;
};

/* @bytes more bytes of the file, 16-byte aligned and zero. */
static void *append(struct elf_guest *g, size_t bytes)
{
    uint8_t *at;

    g->size = (g->size + 15) & ~(size_t)15;
    at = g->bytes + g->size;
    g->size += bytes;
    return at;
}

static uint64_t offset_of(const struct elf_guest *g, const void *at)
{
    return (uint64_t)((const uint8_t *)at - g->bytes);
}

static uint64_t address_of(const struct elf_guest *g, uint64_t segment, const void *at)
{
    return g->fixed + segment + offset_of(g, at);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

static void add_headers(struct build *b)
{
    struct elf_guest *g = b->guest;

    g->ehdr = append(g, sizeof *g->ehdr);
    *g->ehdr = (Elf64_Ehdr){
        .e_type = b->options->type ? b->options->type : ET_DYN,
        .e_machine = ELF_MACHINE,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = ELF_HEADERS,
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    memcpy(g->ehdr->e_ident, ELFMAG, SELFMAG);
    g->ehdr->e_ident[EI_CLASS] = ELFCLASS64;
    g->ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
    g->ehdr->e_ident[EI_VERSION] = EV_CURRENT;

    g->constants = append(g, ELF_HEADERS * sizeof(Elf64_Phdr));
    g->ehdr->e_phoff = offset_of(g, g->constants);
    g->text = g->constants + 1;
    g->data = g->constants + 2;
    g->dynamic = g->constants + 3;
    g->notes = g->constants + 4;
    g->stack = g->constants + 5;
    g->spare = g->constants + 6;
    *g->stack = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16};
}

static void add_note(struct build *b)
{
    struct elf_guest *g = b->guest;
    size_t bytes = sizeof *g->note_head + 8 + sizeof *g->note;

    g->note_head = append(g, bytes);
    *g->note_head = (Elf64_Nhdr){
        .n_namesz = sizeof SCONCE_NOTE_OWNER,
        .n_descsz = sizeof *g->note,
        .n_type = SCONCE_NOTE_GUEST,
    };
    g->note_owner = (char *)(g->note_head + 1);
    memcpy(g->note_owner, SCONCE_NOTE_OWNER, sizeof SCONCE_NOTE_OWNER);
    g->note = (struct sconce_guest_note *)(void *)(g->note_owner + 8);
    *g->note = (struct sconce_guest_note){
        .abi = SCONCE_GUEST_ABI_CURRENT,
        .reloc = b->options->self ? SCONCE_RELOC_SELF : SCONCE_RELOC_HOST,
    };
    *g->notes = (Elf64_Phdr){
        .p_type = PT_NOTE,
        .p_flags = PF_R,
        .p_offset = offset_of(g, g->note_head),
        .p_vaddr = address_of(g, ELF_CONSTANTS, g->note_head),
        .p_filesz = bytes,
        .p_memsz = bytes,
        .p_align = 4,
    };
}

static void add_names(struct build *b, const struct elf_function *functions, uint32_t count,
                      uint64_t *addresses)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = strlen(functions[i].name) + 1;
        char *name = append(b->guest, bytes);

        memcpy(name, functions[i].name, bytes);
        addresses[i] = address_of(b->guest, ELF_CONSTANTS, name);
    }
}

static void load(struct elf_guest *g, Elf64_Phdr *header, uint64_t segment, uint32_t flags,
                 size_t from)
{
    *header = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = flags,
        .p_offset = from,
        .p_vaddr = g->fixed + segment + from,
        .p_filesz = g->size - from,
        .p_memsz = g->size - from,
        .p_align = SCONCE_GUEST_GRANULE,
    };
}

/* A word at @place that holds an address: a relocation in a position-independent file. */
static void point(struct build *b, uint64_t *place, uint64_t address)
{
    struct elf_guest *g = b->guest;

    /* RELA keeps the value in the addend, RELR in the word itself. */
    *place = b->options->type == ET_EXEC || b->options->relr ? address : 0;
    if (b->options->type == ET_EXEC)
        return;
    b->relocs[b->reloc_count++] = (struct reloc){
        .offset = address_of(g, ELF_DATA, place),
        .addend = address,
    };
}

static struct sconce_function *add_table(struct build *b, const struct elf_function *functions,
                                         uint32_t count, const uint64_t *names, bool exports)
{
    struct sconce_function *table = append(b->guest, count * sizeof *table);

    for (uint32_t i = 0; i < count; i++) {
        table[i].bytes = sizeof *table;
        strncpy(table[i].signature, functions[i].signature, sizeof table[i].signature - 1);
        point(b, &table[i].name, names[i]);
        if (exports)
            point(b, &table[i].entry, b->guest->text_address + i % TEXT_BYTES);
    }
    return table;
}

static void add_dynamic(struct build *b)
{
    struct elf_guest *g = b->guest;

    g->dyn = append(g, DYN_ENTRIES * sizeof *g->dyn);
    *g->dynamic = (Elf64_Phdr){
        .p_type = PT_DYNAMIC,
        .p_flags = PF_R | PF_W,
        .p_offset = offset_of(g, g->dyn),
        .p_vaddr = address_of(g, ELF_DATA, g->dyn),
        .p_filesz = DYN_ENTRIES * sizeof *g->dyn,
        .p_memsz = DYN_ENTRIES * sizeof *g->dyn,
        .p_align = 8,
    };
}

static void write_rela(struct build *b)
{
    struct elf_guest *g = b->guest;

    for (size_t i = 0; i < b->reloc_count; i++)
        g->rela[i] = (Elf64_Rela){
            .r_offset = b->relocs[i].offset,
            .r_info = ELF64_R_INFO(0, ELF_RELATIVE),
            .r_addend = (int64_t)b->relocs[i].addend,
        };
    g->rela_count = b->reloc_count;
    elf_guest_dyn(g, DT_RELA)->d_un.d_val = address_of(g, ELF_CONSTANTS, g->rela);
    elf_guest_dyn(g, DT_RELASZ)->d_un.d_val = g->rela_count * sizeof *g->rela;
    elf_guest_dyn(g, DT_RELAENT)->d_un.d_val = sizeof *g->rela;
}

/* The relocations rise: an address, then bitmaps of 63 words each for as long as they are full. */
static void write_relr(struct build *b)
{
    struct elf_guest *g = b->guest;
    size_t i = 0;

    while (i < b->reloc_count) {
        uint64_t next = b->relocs[i].offset + 8;
        uint64_t bits = 1;

        g->relr[g->relr_count++] = b->relocs[i++].offset;
        while (bits != 0) {
            for (bits = 0; i < b->reloc_count && b->relocs[i].offset - next < BITMAP_BYTES; i++)
                bits |= 1ull << ((b->relocs[i].offset - next) / 8);
            if (bits != 0)
                g->relr[g->relr_count++] = bits << 1 | 1;
            next += BITMAP_BYTES;
        }
    }
    elf_guest_dyn(g, DT_RELR)->d_un.d_val = address_of(g, ELF_CONSTANTS, g->relr);
    elf_guest_dyn(g, DT_RELRSZ)->d_un.d_val = g->relr_count * sizeof *g->relr;
    elf_guest_dyn(g, DT_RELRENT)->d_un.d_val = sizeof *g->relr;
}

static void table_section(const struct elf_guest *g, Elf64_Shdr *section, uint32_t name,
                          const void *table, size_t bytes)
{
    *section = (Elf64_Shdr){
        .sh_name = name,
        .sh_type = SHT_PROGBITS,
        .sh_flags = SHF_ALLOC | SHF_WRITE,
        .sh_addr = address_of(g, ELF_DATA, table),
        .sh_offset = offset_of(g, table),
        .sh_size = bytes,
        .sh_addralign = 16,
    };
}

static void add_sections(struct build *b)
{
    static const char names[] = "\0.shstrtab\0" SCONCE_SECTION_EXPORTS "\0" SCONCE_SECTION_IMPORTS;
    const uint32_t exports_name = 1 + sizeof ".shstrtab";
    const uint32_t imports_name = exports_name + sizeof SCONCE_SECTION_EXPORTS;
    struct elf_guest *g = b->guest;
    char *text = append(g, sizeof names);

    memcpy(text, names, sizeof names);
    g->sections = append(g, 4 * sizeof *g->sections);
    g->exports_section = g->sections + 1;
    g->imports_section = g->sections + 2;
    g->names_section = g->sections + 3;
    table_section(g, g->exports_section, exports_name, g->exports,
                  b->options->export_count * sizeof *g->exports);
    table_section(g, g->imports_section, imports_name, g->imports,
                  b->options->import_count * sizeof *g->imports);
    *g->names_section = (Elf64_Shdr){
        .sh_name = 1,
        .sh_type = SHT_STRTAB,
        .sh_offset = offset_of(g, text),
        .sh_size = sizeof names,
        .sh_addralign = 1,
    };
    g->ehdr->e_shoff = offset_of(g, g->sections);
    g->ehdr->e_shnum = 4;
    g->ehdr->e_shstrndx = 3;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void lay_out(struct build *b)
{
    const struct elf_options *o = b->options;
    struct elf_guest *g = b->guest;
    size_t text;
    size_t data;

    add_headers(b);
    add_note(b);
    g->rela = append(g, (2 * o->export_count + o->import_count + 1) * sizeof *g->rela);
    g->relr = (uint64_t *)(void *)g->rela;
    add_names(b, o->exports, o->export_count, b->name_addresses);
    add_names(b, o->imports, o->import_count, b->name_addresses + o->export_count);
    load(g, g->constants, ELF_CONSTANTS, PF_R, 0);

    text = offset_of(g, append(g, TEXT_BYTES));
    memset(g->bytes + text, 0xc3, TEXT_BYTES);
    g->text_address = g->fixed + ELF_TEXT + text;
    g->ehdr->e_entry = g->text_address;
    load(g, g->text, ELF_TEXT, PF_R | PF_X, text);

    add_dynamic(b);
    data = offset_of(g, g->dyn);
    g->exports = add_table(b, o->exports, o->export_count, b->name_addresses, true);
    g->imports =
        add_table(b, o->imports, o->import_count, b->name_addresses + o->export_count, false);
    g->words = append(g, WORDS * sizeof *g->words);
    g->word_address = address_of(g, ELF_DATA, g->words);
    point(b, &g->words[0], g->text_address);
    load(g, g->data, ELF_DATA, PF_R | PF_W, data);
    g->data->p_memsz += ELF_BSS_BYTES;
    if (o->relr)
        write_relr(b);
    else
        write_rela(b);
    add_sections(b);
}

void elf_guest_init(struct elf_guest *guest, const struct elf_options *options)
{
    struct elf_options o = options ? *options : (struct elf_options){0};
    struct build b = {.guest = guest, .options = &o};
    size_t functions;

    if (!o.functions) {
        o.exports = default_exports;
        o.export_count = sizeof default_exports / sizeof default_exports[0];
        o.imports = default_imports;
        o.import_count = sizeof default_imports / sizeof default_imports[0];
    }
    functions = (size_t)o.export_count + o.import_count;
    *guest = (struct elf_guest){.fixed = o.type == ET_EXEC ? ELF_FIXED : 0};
    guest->bytes = calloc(1, 4096 + functions * FUNCTION_BYTES + o.room);
    b.relocs = calloc(2 * functions + 1, sizeof *b.relocs);
    b.name_addresses = calloc(functions + 1, sizeof *b.name_addresses);
    if (!guest->bytes || !b.relocs || !b.name_addresses)
        abort();
    lay_out(&b);
    free(b.relocs);
    free(b.name_addresses);
}

void elf_guest_fini(struct elf_guest *guest)
{
    free(guest->bytes);
    guest->bytes = NULL;
}

Elf64_Dyn *elf_guest_dyn(struct elf_guest *guest, int64_t tag)
{
    for (size_t i = 0; i < DYN_ENTRIES - 1; i++) {
        if (guest->dyn[i].d_tag == DT_NULL)
            guest->dyn[i].d_tag = tag;
        if (guest->dyn[i].d_tag == tag)
            return &guest->dyn[i];
    }
    abort();
}

char *elf_guest_name(const struct elf_guest *guest, const struct sconce_function *f)
{
    uint64_t place = address_of(guest, ELF_DATA, &f->name);
    uint64_t address = f->name;

    for (size_t i = 0; i < guest->rela_count; i++)
        if (guest->rela[i].r_offset == place)
            address = (uint64_t)guest->rela[i].r_addend;
    return (char *)guest->bytes + (address - guest->fixed - ELF_CONSTANTS);
}
