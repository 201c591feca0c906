/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small guest ELF files made in memory: a correct one first, whose structures the caller then
 * breaks through the pointers. Also makes the seeds of the fuzzers.
 */
#ifndef SCONCE_TESTS_ELF_BUILDER_H
#define SCONCE_TESTS_ELF_BUILDER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-guest-abi.h"

#define ELF_MACHINE EM_X86_64
#define ELF_RELATIVE R_X86_64_RELATIVE

/* Where the segments lie before the base is added; each file offset is added to them. */
#define ELF_CONSTANTS 0x0ull
#define ELF_TEXT 0x1000000ull
#define ELF_DATA 0x2000000ull
#define ELF_FIXED 0x10000000ull /* added to all of them in an ET_EXEC file */

#define ELF_BSS_BYTES 0x20000ull /* memory of the data segment beyond its bytes in the file */
#define ELF_HEADERS 24u          /* the first are in use, the others PT_NULL */

struct elf_function {
    const char *name;
    const char *signature; /* letters */
};

/* Zero means: position-independent, relocated by the host with RELA, exports "add" (iii) and "zip"
 * (ysb), imports "log" (ns) and "now" (l). */
struct elf_options {
    const struct elf_function *exports;
    const struct elf_function *imports;
    uint32_t export_count;
    uint32_t import_count;
    uint16_t type;
    bool self;      /* the guest relocates itself */
    bool relr;      /* relative relocations as RELR */
    bool functions; /* exports and imports above are meant, even when they are empty */
    size_t room;    /* zero bytes that may be used behind the end of the file */
};

struct elf_guest {
    uint8_t *bytes;
    size_t size;
    uint64_t fixed; /* ELF_FIXED or 0 */

    Elf64_Ehdr *ehdr;
    Elf64_Phdr *constants; /* R: headers, note, relocations, names */
    Elf64_Phdr *text;      /* RX */
    Elf64_Phdr *data;      /* RW: dynamic section, tables, words, bss */
    Elf64_Phdr *dynamic;
    Elf64_Phdr *notes;
    Elf64_Phdr *stack;
    Elf64_Phdr *spare; /* the first of those that are PT_NULL */

    Elf64_Nhdr *note_head;
    char *note_owner;
    struct sconce_guest_note *note;
    Elf64_Rela *rela; /* empty in ET_EXEC and with relr */
    size_t rela_count;
    uint64_t *relr;
    size_t relr_count;
    Elf64_Dyn *dyn;
    struct sconce_function *exports;
    struct sconce_function *imports;
    uint64_t *words; /* words[0] is relocated and points to the first byte of text */
    uint64_t word_address;
    uint64_t text_address;

    Elf64_Shdr *sections;
    Elf64_Shdr *exports_section;
    Elf64_Shdr *imports_section;
    Elf64_Shdr *names_section;
};

/** elf_guest_init - make a correct guest; NULL options are the default. Aborts without memory. */
void elf_guest_init(struct elf_guest *guest, const struct elf_options *options);

void elf_guest_fini(struct elf_guest *guest);

/** elf_guest_dyn - the entry of @tag in the dynamic section; a new one with value 0 when it has
 * none. */
Elf64_Dyn *elf_guest_dyn(struct elf_guest *guest, int64_t tag);

/** elf_guest_name - the name of export or import @f, in the file. */
char *elf_guest_name(const struct elf_guest *guest, const struct sconce_function *f);

#endif
