/* SPDX-License-Identifier: Apache-2.0 */
/* core/image-segment.c: what a segment may be, where it is placed, what it holds. */
#include "image-fixture.h"

/* ---- Placing --------------------------------------------------------------------------------- */

static void test_image_segments_are_rounded_out_sorted_and_protected(void **state)
{
    struct image_fixture *f = *state;
    const struct sconce_image *image = f->image;

    assert_int_equal(image->segment_count, 3);
    assert_int_equal(image->segments[0].gpa, SCONCE_IMAGE_BASE + ELF_CONSTANTS);
    assert_int_equal(image->segments[1].gpa, SCONCE_IMAGE_BASE + ELF_TEXT);
    assert_int_equal(image->segments[2].gpa, SCONCE_IMAGE_BASE + ELF_DATA);
    assert_int_equal(image->segments[0].prot, 1);
    assert_int_equal(image->segments[1].prot, 1 | 4);
    assert_int_equal(image->segments[2].prot, 1 | 2);
    assert_int_equal(image->segments[0].bytes, SCONCE_GUEST_GRANULE);
    assert_int_equal(image->segments[2].bytes, ELF_BSS_BYTES + SCONCE_GUEST_GRANULE);
    assert_int_equal(image->start, image->segments[0].gpa);
    assert_int_equal(image->end, image->segments[2].gpa + image->segments[2].bytes);
}

static void test_image_segment_holds_zeros_before_the_bytes_of_the_file(void **state)
{
    struct image_fixture *f = *state;
    const struct sconce_image_segment *text = &f->image->segments[1];
    uint64_t padding = f->guest.text->p_offset;

    assert_int_equal(text->init_bytes, padding + f->guest.text->p_filesz);
    for (uint64_t i = 0; i < text->init_bytes; i++)
        assert_int_equal(text->init[i], i < padding ? 0 : 0xc3);
}

static void test_image_segments_out_of_order_are_sorted(void **state)
{
    struct image_fixture *f = *state;
    Elf64_Phdr first = *f->guest.constants;

    *f->guest.constants = *f->guest.data;
    *f->guest.data = first;
    image_fixture_accepted(f);

    assert_int_equal(f->image->segments[0].gpa, SCONCE_IMAGE_BASE);
    assert_int_equal(f->image->segments[2].gpa, SCONCE_IMAGE_BASE + ELF_DATA);
    assert_string_equal(f->image->exports[0].name, "add");
}

/* The base is what brings the lowest granule to its place, even when that wraps. */
static void test_image_lowest_address_above_the_base_is_moved_down(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});
    f->guest.ehdr->e_type = ET_DYN;
    f->guest.exports_section->sh_size = 0; /* without relocations its pointers are wrong now */
    f->guest.imports_section->sh_size = 0;
    image_fixture_accepted(f);

    assert_int_equal(f->image->base, SCONCE_IMAGE_BASE - ELF_FIXED);
    assert_int_equal(f->image->start, SCONCE_IMAGE_BASE);
    assert_int_equal(f->image->entry, f->guest.text_address - ELF_FIXED + SCONCE_IMAGE_BASE);
}

static void test_image_segment_with_bss_alone_has_no_contents(void **state)
{
    struct image_fixture *f = *state;

    *f->guest.spare = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_W,
                                   .p_vaddr = 0x3000000,
                                   .p_memsz = 1,
                                   .p_align = SCONCE_GUEST_GRANULE};
    image_fixture_accepted(f);

    assert_int_equal(f->image->segment_count, 4);
    assert_int_equal(f->image->segments[3].bytes, SCONCE_GUEST_GRANULE);
    assert_int_equal(f->image->segments[3].init_bytes, 0);
}

static void test_image_code_without_read_permission_is_made_readable(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_flags = PF_X;
    image_fixture_accepted(f);
    assert_int_equal(f->image->segments[1].prot, 1 | 4);
}

static void test_image_sixteen_segments_fit(void **state)
{
    struct image_fixture *f = *state;

    for (uint32_t i = 0; i < 13; i++)
        f->guest.spare[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                         .p_flags = PF_R,
                                         .p_vaddr = 0x3000000 + i * SCONCE_GUEST_GRANULE,
                                         .p_memsz = SCONCE_GUEST_GRANULE,
                                         .p_align = SCONCE_GUEST_GRANULE};
    image_fixture_accepted(f);
    assert_int_equal(f->image->segment_count, 16);
}

static void test_image_memory_of_exactly_the_limit_fits(void **state)
{
    struct image_fixture *f = *state;

    f->limit = 3ull * SCONCE_GUEST_GRANULE + ELF_BSS_BYTES;
    image_fixture_accepted(f);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void test_image_no_loadable_segment_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.constants->p_type = PT_NULL;
    f->guest.text->p_type = PT_NULL;
    f->guest.data->p_type = PT_NULL;
    image_fixture_refused(f, "it has no loadable segment");
}

static void test_image_seventeen_segments_are_refused(void **state)
{
    struct image_fixture *f = *state;

    for (uint32_t i = 0; i < 14; i++)
        f->guest.spare[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                         .p_flags = PF_R,
                                         .p_vaddr = 0x3000000 + i * SCONCE_GUEST_GRANULE,
                                         .p_memsz = SCONCE_GUEST_GRANULE,
                                         .p_align = SCONCE_GUEST_GRANULE};
    image_fixture_refused(f, "it has more than 16 loadable segments");
}

static void test_image_empty_segment_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_filesz = 0;
    f->guest.text->p_memsz = 0;
    image_fixture_refused(f, "segment 1 is empty");
}

static void test_image_segment_larger_in_the_file_than_in_memory_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_memsz = f->guest.text->p_filesz - 1;
    image_fixture_refused(f, "segment 1 has 32 bytes in the file but only 31 in memory");
}

static void test_image_segment_behind_the_end_of_the_file_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_offset += SCONCE_GUEST_GRANULE;
    image_fixture_refused(f, "it is truncated: segment 2 takes");
}

static void test_image_segment_offset_that_wraps_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_offset = UINT64_MAX - 15;
    image_fixture_refused(f, "it is truncated: segment 2 takes");
}

static void test_image_segment_size_of_the_whole_address_space_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_memsz = UINT64_MAX;
    image_fixture_refused(f, "segment 2 wraps around the end of the address space");
}

static void test_image_segment_that_wraps_when_placed_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_vaddr = (0 - 2 * SCONCE_IMAGE_BASE) | f->guest.data->p_offset;
    f->guest.data->p_memsz = SCONCE_IMAGE_BASE;
    image_fixture_refused(f, "where guest memory ends");
}

static void test_image_page_alignment_is_refused_with_the_flag_to_add(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_align = 4096;
    image_fixture_refused(f, "segment 1 is aligned to 4096 bytes; guests need 65536");
    assert_string_equal(f->err.hint, "link with -z max-page-size=65536 (sconce-cc does)");
}

static void test_image_alignment_of_no_power_of_two_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_align = 3ull * SCONCE_GUEST_GRANULE;
    image_fixture_refused(f, "the alignment of segment 1, 196608 bytes, is no power of two");
}

static void test_image_address_and_offset_out_of_step_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_vaddr += 16;
    image_fixture_refused(f, "of segment 1 differ by no multiple of its alignment");
}

static void test_image_alignment_beyond_the_base_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_align = 2 * SCONCE_IMAGE_BASE;
    image_fixture_refused(f, "which its place from 0x400000 on cannot keep");
}

static void test_image_segment_without_permissions_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_flags = 0;
    image_fixture_refused(f, "segment 2 cannot be read, written or executed");
}

static void test_image_writable_code_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_flags = PF_R | PF_W | PF_X;
    image_fixture_refused(f, "segment 1 is both writable and executable");
    assert_non_null(strstr(f->err.hint, "-z separate-code"));
}

static void test_image_segments_that_overlap_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.text->p_vaddr = ELF_DATA + f->guest.text->p_offset;
    image_fixture_refused(f, "segments 1 and 2 overlap at 0x2400000");
}

static void test_image_segments_that_share_a_granule_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.constants->p_memsz = ELF_TEXT + 1;
    image_fixture_refused(f, "segments 0 and 1 overlap");
    assert_non_null(strstr(f->err.hint, "max-page-size"));
}

static void test_image_fixed_segment_below_guest_memory_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});
    f->guest.constants->p_vaddr = SCONCE_GPA_MIN - SCONCE_GUEST_GRANULE;
    image_fixture_refused(f, "segment 0 at 0xf0000 lies below 0x100000");
}

static void test_image_fixed_segment_at_the_start_of_guest_memory_is_accepted(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});
    f->guest.exports_section->sh_size = 0; /* their names are in the segment that moves */
    f->guest.imports_section->sh_size = 0;
    f->guest.constants->p_vaddr = SCONCE_GPA_MIN;
    image_fixture_accepted(f);
    assert_int_equal(f->image->start, SCONCE_GPA_MIN);
}

static void test_image_fixed_segment_above_guest_memory_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});
    f->guest.data->p_vaddr = SCONCE_GPA_MAX - SCONCE_GUEST_GRANULE + f->guest.data->p_offset;
    f->guest.data->p_memsz = SCONCE_GUEST_GRANULE;
    image_fixture_refused(f, "reaches above 0xfff000000, where guest memory ends");
}

static void test_image_segment_larger_than_guest_memory_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_memsz = 1ull << 40;
    image_fixture_refused(f, "reaches above 0xfff000000");
}

static void test_image_memory_above_the_limit_is_a_limit(void **state)
{
    struct image_fixture *f = *state;

    f->limit = 3ull * SCONCE_GUEST_GRANULE + ELF_BSS_BYTES - 1;
    assert_int_equal(image_fixture_parse(f), SCONCE_E_LIMIT);
    assert_int_equal(f->err.limit, SCONCE_LIMIT_MEMORY);
    assert_string_equal(f->err.text, "cannot load guest test.elf: its segments take 327680 bytes, "
                                     "the limit is 327679");
    assert_string_equal(f->err.hint, "raise limits.image_bytes");
}

static void test_image_huge_bss_is_a_limit(void **state)
{
    struct image_fixture *f = *state;

    f->guest.data->p_memsz = 1ull << 35;
    assert_int_equal(image_fixture_parse(f), SCONCE_E_LIMIT);
    assert_null(f->image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_segments_are_rounded_out_sorted_and_protected),
        IMAGE_TEST(test_image_segment_holds_zeros_before_the_bytes_of_the_file),
        IMAGE_TEST(test_image_segments_out_of_order_are_sorted),
        IMAGE_TEST(test_image_lowest_address_above_the_base_is_moved_down),
        IMAGE_TEST(test_image_segment_with_bss_alone_has_no_contents),
        IMAGE_TEST(test_image_code_without_read_permission_is_made_readable),
        IMAGE_TEST(test_image_sixteen_segments_fit),
        IMAGE_TEST(test_image_memory_of_exactly_the_limit_fits),
        IMAGE_TEST(test_image_no_loadable_segment_is_refused),
        IMAGE_TEST(test_image_seventeen_segments_are_refused),
        IMAGE_TEST(test_image_empty_segment_is_refused),
        IMAGE_TEST(test_image_segment_larger_in_the_file_than_in_memory_is_refused),
        IMAGE_TEST(test_image_segment_behind_the_end_of_the_file_is_refused),
        IMAGE_TEST(test_image_segment_offset_that_wraps_is_refused),
        IMAGE_TEST(test_image_segment_size_of_the_whole_address_space_is_refused),
        IMAGE_TEST(test_image_segment_that_wraps_when_placed_is_refused),
        IMAGE_TEST(test_image_page_alignment_is_refused_with_the_flag_to_add),
        IMAGE_TEST(test_image_alignment_of_no_power_of_two_is_refused),
        IMAGE_TEST(test_image_address_and_offset_out_of_step_are_refused),
        IMAGE_TEST(test_image_alignment_beyond_the_base_is_refused),
        IMAGE_TEST(test_image_segment_without_permissions_is_refused),
        IMAGE_TEST(test_image_writable_code_is_refused),
        IMAGE_TEST(test_image_segments_that_overlap_are_refused),
        IMAGE_TEST(test_image_segments_that_share_a_granule_are_refused),
        IMAGE_TEST(test_image_fixed_segment_below_guest_memory_is_refused),
        IMAGE_TEST(test_image_fixed_segment_at_the_start_of_guest_memory_is_accepted),
        IMAGE_TEST(test_image_fixed_segment_above_guest_memory_is_refused),
        IMAGE_TEST(test_image_segment_larger_than_guest_memory_is_refused),
        IMAGE_TEST(test_image_memory_above_the_limit_is_a_limit),
        IMAGE_TEST(test_image_huge_bss_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
