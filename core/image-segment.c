/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loadable segments of a guest: what each may be, where it comes to lie, what it holds, and the
 * look-ups by guest address that every other part of the parse goes through. Holds no policy on
 * what the contents mean.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/overflow.h"
#include "core/image-internal.h"

#define LINK_HINT "link with -z max-page-size=65536 (sconce-cc does)"

#define GRANULE ((uint64_t)SCONCE_GUEST_GRANULE)

/* ---- One program header ---------------------------------------------------------------------- */

static int check_sizes(const struct sconce_image_parse *p, uint32_t i)
{
    const GElf_Phdr *h = &p->headers[i];

    if (h->p_memsz == 0)
        return sconce_image_refuse(p, NULL, "segment %u is empty", i);
    if (h->p_filesz > h->p_memsz)
        return sconce_image_refuse(
            p, NULL, "segment %u has %" PRIu64 " bytes in the file but only %" PRIu64 " in memory",
            i, (uint64_t)h->p_filesz, (uint64_t)h->p_memsz);
    if (!sconce_range_within(h->p_offset, h->p_filesz, p->file_bytes))
        return sconce_image_refuse(p, NULL,
                                   "it is truncated: segment %u takes %" PRIu64
                                   " bytes at offset %" PRIu64 ", but the file has %" PRIu64
                                   " bytes",
                                   i, (uint64_t)h->p_filesz, (uint64_t)h->p_offset, p->file_bytes);
    if (h->p_memsz > UINT64_MAX - h->p_vaddr)
        return sconce_image_refuse(p, NULL, "segment %u wraps around the end of the address space",
                                   i);
    return 0;
}

static int check_alignment(const struct sconce_image_parse *p, uint32_t i)
{
    const GElf_Phdr *h = &p->headers[i];

    if (h->p_align < GRANULE)
        return sconce_image_refuse(p, LINK_HINT,
                                   "segment %u is aligned to %" PRIu64 " bytes; guests need %u", i,
                                   (uint64_t)h->p_align, SCONCE_GUEST_GRANULE);
    if ((h->p_align & (h->p_align - 1)) != 0)
        return sconce_image_refuse(
            p, NULL, "the alignment of segment %u, %" PRIu64 " bytes, is no power of two", i,
            (uint64_t)h->p_align);
    if (((h->p_vaddr - h->p_offset) & (h->p_align - 1)) != 0)
        return sconce_image_refuse(p, LINK_HINT,
                                   "address 0x%" PRIx64 " and file offset 0x%" PRIx64
                                   " of segment %u differ by no multiple of its alignment",
                                   (uint64_t)h->p_vaddr, (uint64_t)h->p_offset, i);
    return 0;
}

static int check_permissions(const struct sconce_image_parse *p, uint32_t i)
{
    uint32_t flags = p->headers[i].p_flags;

    if ((flags & (PF_R | PF_W | PF_X)) == 0)
        return sconce_image_refuse(p, NULL, "segment %u cannot be read, written or executed", i);
    if ((flags & PF_W) && (flags & PF_X))
        return sconce_image_refuse(p, "link with -z separate-code, without -N or --omagic",
                                   "segment %u is both writable and executable", i);
    return 0;
}

static int check_header(const struct sconce_image_parse *p, uint32_t i)
{
    int r = check_sizes(p, i);

    if (r < 0)
        return r;
    r = check_alignment(p, i);
    if (r < 0)
        return r;
    return check_permissions(p, i);
}

/* ---- Layout ---------------------------------------------------------------------------------- */

/* Writable and executable segments are readable too: not every architecture knows another kind.
 */
static uint32_t prot_of(uint32_t flags)
{
    return IMAGE_PROT_READ | (flags & PF_W ? IMAGE_PROT_WRITE : 0) |
           (flags & PF_X ? IMAGE_PROT_EXEC : 0);
}

/* Check each PT_LOAD and list them in parts[] by rising address, with the addresses of the file. */
static int collect(struct sconce_image_parse *p)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->header_count; i++) {
        const GElf_Phdr *h = &p->headers[i];
        uint32_t at = count;
        int r;

        if (h->p_type != PT_LOAD)
            continue;
        if (count == SCONCE_IMAGE_MAX_SEGMENTS)
            return sconce_image_refuse(p, NULL, "it has more than %u loadable segments",
                                       SCONCE_IMAGE_MAX_SEGMENTS);
        r = check_header(p, i);
        if (r < 0)
            return r;
        for (; at > 0 && p->parts[at - 1].start > h->p_vaddr; at--)
            p->parts[at] = p->parts[at - 1];
        p->parts[at] = (struct sconce_image_part){
            .header = i,
            .start = h->p_vaddr,
            .end = h->p_vaddr + h->p_memsz,
            .file_offset = h->p_offset,
            .file_bytes = h->p_filesz,
        };
        count++;
    }
    if (count == 0)
        return sconce_image_refuse(p, NULL, "it has no loadable segment");
    p->image->segment_count = count;
    return 0;
}

/* What is added to the file's addresses, modulo 2^64. */
static int choose_base(struct sconce_image_parse *p)
{
    if (p->ehdr.e_type == ET_EXEC)
        return 0;
    p->image->base = SCONCE_IMAGE_BASE - (p->parts[0].start & ~(GRANULE - 1));
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        uint64_t align = p->headers[p->parts[i].header].p_align;

        if ((p->image->base & (align - 1)) != 0)
            return sconce_image_refuse(p, LINK_HINT,
                                       "segment %u is aligned to %" PRIu64
                                       " bytes, which its place from 0x%llx on cannot keep",
                                       p->parts[i].header, align, SCONCE_IMAGE_BASE);
    }
    return 0;
}

/* Move @part to its place and round it out to the granule. */
static int place(struct sconce_image_parse *p, struct sconce_image_part *part,
                 struct sconce_image_segment *ret_segment)
{
    uint64_t size = part->end - part->start;
    uint64_t start = part->start + p->image->base;
    uint64_t end;

    if (start < SCONCE_GPA_MIN)
        return sconce_image_refuse(p, "link it at 0x400000, or position-independent",
                                   "segment %u at 0x%" PRIx64
                                   " lies below 0x%llx, where guest memory begins",
                                   part->header, start, SCONCE_GPA_MIN);
    if (!sconce_add_u64(start, size, &end) || !sconce_round_up_u64(end, GRANULE, &end) ||
        end > SCONCE_GPA_MAX)
        return sconce_image_refuse(p, NULL,
                                   "segment %u at 0x%" PRIx64 " with %" PRIu64
                                   " bytes reaches above 0x%llx, where guest memory ends",
                                   part->header, start, size, SCONCE_GPA_MAX);
    part->start = start;
    part->end = start + size;
    ret_segment->gpa = start & ~(GRANULE - 1);
    ret_segment->bytes = end - ret_segment->gpa;
    ret_segment->prot = prot_of(p->headers[part->header].p_flags);
    return 0;
}

static int check_total(const struct sconce_image_parse *p, uint64_t total)
{
    if (total <= p->memory_limit)
        return 0;
    sconce_fail_hint(p->err, SCONCE_E_LIMIT, "raise limits.image_bytes",
                     "cannot load guest %.400s: its segments take %" PRIu64
                     " bytes, the limit is %" PRIu64,
                     p->name, total, p->memory_limit);
    if (p->err)
        p->err->limit = SCONCE_LIMIT_MEMORY;
    return SCONCE_E_LIMIT;
}

static int lay_out(struct sconce_image_parse *p)
{
    struct sconce_image *image = p->image;
    uint64_t total = 0;

    for (uint32_t i = 0; i < image->segment_count; i++) {
        struct sconce_image_segment *segment = &image->segments[i];
        int r = place(p, &p->parts[i], segment);

        if (r < 0)
            return r;
        if (i > 0 && segment->gpa < image->end)
            return sconce_image_refuse(
                p, LINK_HINT,
                "segments %u and %u overlap at 0x%" PRIx64 " once they are rounded out to %u bytes",
                p->parts[i - 1].header, p->parts[i].header, segment->gpa, SCONCE_GUEST_GRANULE);
        total += segment->bytes; /* disjoint and below 2^36: no overflow */
        image->end = segment->gpa + segment->bytes;
    }
    image->start = image->segments[0].gpa;
    return check_total(p, total);
}

static int fill(struct sconce_image_parse *p, uint32_t i)
{
    struct sconce_image_part *part = &p->parts[i];
    int r;

    if (part->file_bytes == 0)
        return 0;
    r = sconce_image_reserve(p, i, part->start + part->file_bytes);
    if (r < 0)
        return r;
    memcpy(part->contents + (part->start - p->image->segments[i].gpa), p->file + part->file_offset,
           part->file_bytes);
    return 0;
}

int sconce_image_load_segments(struct sconce_image_parse *p)
{
    int r = collect(p);

    if (r < 0)
        return r;
    r = choose_base(p);
    if (r < 0)
        return r;
    r = lay_out(p);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        r = fill(p, i);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- Look-ups -------------------------------------------------------------------------------- */

int sconce_image_part_at(const struct sconce_image_parse *p, uint64_t gpa, uint64_t bytes)
{
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        const struct sconce_image_part *part = &p->parts[i];

        if (gpa >= part->start &&
            sconce_range_within(gpa - part->start, bytes, part->end - part->start))
            return (int)i;
    }
    return -1;
}

const uint8_t *sconce_image_file_span(const struct sconce_image_parse *p, uint64_t gpa,
                                      uint64_t bytes)
{
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        const struct sconce_image_part *part = &p->parts[i];

        if (gpa >= part->start && sconce_range_within(gpa - part->start, bytes, part->file_bytes))
            return p->file + part->file_offset + (gpa - part->start);
    }
    return NULL;
}

const uint8_t *sconce_image_contents(const struct sconce_image_parse *p, uint64_t gpa,
                                     uint64_t *ret_bytes)
{
    for (uint32_t i = 0; i < p->image->segment_count; i++) {
        const struct sconce_image_part *part = &p->parts[i];
        uint64_t start = p->image->segments[i].gpa;

        if (gpa < start || gpa - start >= part->bytes)
            continue;
        *ret_bytes = part->bytes - (gpa - start);
        return part->contents + (gpa - start);
    }
    return NULL;
}

bool sconce_image_executable(const struct sconce_image_parse *p, uint64_t gpa)
{
    int i = sconce_image_part_at(p, gpa, 1);

    return i >= 0 && p->image->segments[i].prot & IMAGE_PROT_EXEC &&
           gpa - p->parts[i].start < p->parts[i].file_bytes;
}

int sconce_image_reserve(struct sconce_image_parse *p, uint32_t i, uint64_t end)
{
    struct sconce_image_part *part = &p->parts[i];
    uint64_t need = end - p->image->segments[i].gpa;
    uint64_t capacity = part->capacity * 2; /* at most twice a segment: no overflow */
    uint8_t *larger;

    if (need <= part->bytes)
        return 0;
    if (need > part->capacity) {
        /* Doubling keeps the work linear however many relocations reach further and further. */
        capacity = capacity < need ? need : capacity;
        if (capacity > p->image->segments[i].bytes)
            capacity = p->image->segments[i].bytes;
        larger = calloc(1, capacity);
        if (!larger)
            return sconce_image_no_memory(p, capacity);
        if (part->bytes)
            memcpy(larger, part->contents, part->bytes);
        free(part->contents);
        part->contents = larger;
        part->capacity = capacity;
    }
    part->bytes = need;
    return 0;
}
