/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the image*.c files alone: the state of one parse. Everything in the file is hostile:
 * addresses and sizes are used only after one of the look-ups below has bounded them.
 */
#ifndef SCONCE_CORE_IMAGE_INTERNAL_H
#define SCONCE_CORE_IMAGE_INTERNAL_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/image.h"

/* Linkers write about a dozen. */
#define IMAGE_MAX_HEADERS 64u

#define IMAGE_PROT_READ 1u
#define IMAGE_PROT_WRITE 2u
#define IMAGE_PROT_EXEC 4u

/* ELF structures are copied from the file as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guests and hosts are little-endian");

/* A PT_LOAD and its contents; parts[i] belongs to image->segments[i]. */
struct sconce_image_part {
    uint32_t header; /* number of its program header, for messages */
    uint64_t start;  /* guest addresses as the file has them: not rounded to the granule */
    uint64_t end;
    uint64_t file_offset;
    uint64_t file_bytes;
    uint8_t *contents; /* from the segment's gpa on, relocated; owned */
    uint64_t bytes;    /* of contents that count; what follows in the segment is zero */
    uint64_t capacity; /* of contents; zero behind bytes */
};

struct sconce_image_parse {
    const uint8_t *file;
    uint64_t file_bytes;
    const char *name;
    uint32_t reloc_relative;
    uint32_t header_count;
    uint64_t memory_limit;
    Elf *elf;
    GElf_Ehdr ehdr;
    GElf_Phdr headers[IMAGE_MAX_HEADERS];
    struct sconce_image_part parts[SCONCE_IMAGE_MAX_SEGMENTS];
    struct sconce_image *image; /* being built; owned until it is handed over */
    struct sconce_error *err;
};

/* ---- image.c ---- */

/** sconce_image_refuse - SCONCE_E_GUEST_FORMAT, "cannot load guest NAME: ...". @hint may be NULL.
 */
int sconce_image_refuse(const struct sconce_image_parse *p, const char *hint, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

int sconce_image_no_memory(const struct sconce_image_parse *p, uint64_t bytes);

/* ---- image-segment.c ---- */

/** sconce_image_load_segments - check the PT_LOADs, lay them out, fill the parts. */
int sconce_image_load_segments(struct sconce_image_parse *p);

/**
 * sconce_image_part_at - number of the part that holds all of [@gpa, @gpa + @bytes), bytes that the
 * file leaves to zero included; -1 when there is none.
 */
int sconce_image_part_at(const struct sconce_image_parse *p, uint64_t gpa, uint64_t bytes);

/**
 * sconce_image_file_span - where the file holds what it loads to [@gpa, @gpa + @bytes), as it was
 * before relocation; NULL when no segment holds all of it.
 */
const uint8_t *sconce_image_file_span(const struct sconce_image_parse *p, uint64_t gpa,
                                      uint64_t bytes);

/**
 * sconce_image_contents - the relocated contents from @gpa on.
 * @ret_bytes: how many follow, at least 1. NULL when @gpa is in no initialised contents.
 */
const uint8_t *sconce_image_contents(const struct sconce_image_parse *p, uint64_t gpa,
                                     uint64_t *ret_bytes);

/** sconce_image_reserve - make the contents of part @i reach to @end, which is within its segment.
 */
int sconce_image_reserve(struct sconce_image_parse *p, uint32_t i, uint64_t end);

/** sconce_image_executable - is @gpa among the initialised bytes of an executable segment? */
bool sconce_image_executable(const struct sconce_image_parse *p, uint64_t gpa);

/* ---- image-note.c ---- */

/** sconce_image_read_note - find and check the one guest note; sets abi and reloc. */
int sconce_image_read_note(struct sconce_image_parse *p);

/* ---- image-reloc.c ---- */

/**
 * sconce_image_relocate - check the dynamic section, apply its relative relocations to the parts.
 * Sets nothing in the image: whether the guest is given the result is the caller's business.
 */
int sconce_image_relocate(struct sconce_image_parse *p);

/* ---- image-table.c ---- */

/** sconce_image_read_tables - exports and imports, from the relocated contents. */
int sconce_image_read_tables(struct sconce_image_parse *p);

#endif
