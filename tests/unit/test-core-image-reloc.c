/* SPDX-License-Identifier: Apache-2.0 */
/* core/image-reloc.c: the dynamic section, RELA and RELR. */
#include "image-fixture.h"

#define WORD sizeof(uint64_t)

/* The last words of the data segment: far behind what the file initialises. */
static uint64_t bss_end(const struct image_fixture *f)
{
    return f->guest.data->p_vaddr + f->guest.data->p_memsz;
}

/* The relocation of words[0]: the builder makes it last. */
static Elf64_Rela *word_rela(const struct image_fixture *f)
{
    return &f->guest.rela[f->guest.rela_count - 1];
}

static void rebuild_relr(struct image_fixture *f)
{
    image_fixture_rebuild(f, &(struct elf_options){.relr = true});
}

/* Replace the RELR table by these entries; the tables of functions go, for want of relocations. */
static void set_relr(struct image_fixture *f, const uint64_t *entries, size_t count)
{
    rebuild_relr(f);
    assert_true(count <= 7); /* the builder made room for as many relocations of 24 bytes */
    memcpy(f->guest.relr, entries, count * sizeof *entries);
    elf_guest_dyn(&f->guest, DT_RELRSZ)->d_un.d_val = count * sizeof *entries;
    f->guest.exports_section->sh_size = 0;
    f->guest.imports_section->sh_size = 0;
}

/* ---- RELA ------------------------------------------------------------------------------------ */

static void test_image_rela_writes_base_plus_addend(void **state)
{
    struct image_fixture *f = *state;

    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address),
                     f->image->base + f->guest.text_address);
}

static void test_image_rela_replaces_what_was_there(void **state)
{
    struct image_fixture *f = *state;

    f->guest.words[0] = 0x1234;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address),
                     f->image->base + f->guest.text_address);
}

static void test_image_rela_in_bss_grows_the_contents(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_offset = bss_end(f) - 8;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + bss_end(f) - 8),
                     f->image->base + f->guest.text_address);
    assert_int_equal(image_fixture_word(f, f->image->base + bss_end(f) - 16), 0);
    assert_true(f->image->segments[2].init_bytes <= f->image->segments[2].bytes);
}

static void test_image_relas_further_and_further_into_bss_are_applied(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t count = f->guest.rela_count;

    f->guest.exports_section->sh_size = 0;
    f->guest.imports_section->sh_size = 0;
    for (uint64_t i = 0; i < count; i++)
        f->guest.rela[i].r_offset = bss_end(f) - (count - i) * 0x1000;
    image_fixture_accepted(f);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(image_fixture_word(f, f->image->base + f->guest.rela[i].r_offset),
                         f->image->base + (uint64_t)f->guest.rela[i].r_addend);
}

static void test_image_rela_unaligned_is_applied(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_offset += 9;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address + 9),
                     f->image->base + f->guest.text_address);
}

static void test_image_rela_none_is_skipped(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_NONE);
    word_rela(f)->r_offset = 0;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address), 0);
}

static void test_image_rela_of_a_named_architecture_takes_its_type_alone(void **state)
{
    struct image_fixture *f = *state;

    f->reloc_relative = R_AARCH64_RELATIVE;
    image_fixture_refused(f, "has type 8; only relative ones can be applied");
}

static void test_image_rela_without_architecture_is_taken_for_relative(void **state)
{
    struct image_fixture *f = *state;

    f->reloc_relative = 0;
    for (size_t i = 0; i < f->guest.rela_count; i++)
        f->guest.rela[i].r_info = ELF64_R_INFO(0, R_AARCH64_RELATIVE);
    image_fixture_accepted(f);
    assert_string_equal(f->image->exports[0].name, "add");
}

static void test_image_rela_with_a_symbol_and_no_architecture_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->reloc_relative = 0;
    word_rela(f)->r_info = ELF64_R_INFO(1, R_X86_64_64);
    image_fixture_refused(f, "has type 1; only relative ones can be applied");
}

static void test_image_rela_of_another_type_is_refused(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_info = ELF64_R_INFO(1, R_X86_64_GLOB_DAT);
    image_fixture_refused(f, "has type 6; only relative ones can be applied");
    assert_non_null(strstr(f->err.hint, "-static-pie"));
}

static void test_image_rela_irelative_is_refused(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
    image_fixture_refused(f, "has type 37; only relative ones can be applied");
}

static void test_image_rela_irelative_of_self_relocating_guest_is_its_own(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});
    word_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
    word_rela(f)->r_offset = 0;
    image_fixture_accepted(f);
}

static void test_image_rela_outside_the_image_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t wrong[] = {bss_end(f), bss_end(f) - 7, 0x900000, UINT64_MAX, UINT64_MAX - 7};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        word_rela(f)->r_offset = wrong[i];
        image_fixture_refused(f, ", outside its segments");
    }
}

static void test_image_rela_outside_a_self_relocating_image_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});
    word_rela(f)->r_offset = bss_end(f);
    image_fixture_refused(f, ", outside its segments");
}

static void test_image_rela_into_code_is_refused(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_offset = f->guest.text_address;
    image_fixture_refused(f, ", in segment 1, which is not writable");
    assert_non_null(strstr(f->err.hint, "-fPIE"));
}

static void test_image_rela_into_constants_is_refused(void **state)
{
    struct image_fixture *f = *state;

    word_rela(f)->r_offset = 0;
    image_fixture_refused(f, "writes to 0x0, in segment 0, which is not writable");
}

/* A table in writable memory that relocates itself: the file's bytes count, not the result. */
static void test_image_rela_table_that_it_relocates_is_read_as_in_the_file(void **state)
{
    struct image_fixture *f = *state;
    Elf64_Dyn *last = f->guest.dyn + 8;
    Elf64_Rela rela = {.r_offset = f->guest.data->p_vaddr + 8 * sizeof *last,
                       .r_info = ELF64_R_INFO(0, ELF_RELATIVE),
                       .r_addend = 1};

    memcpy(last, &rela, sizeof rela);
    elf_guest_dyn(&f->guest, DT_RELA)->d_un.d_val = rela.r_offset;
    elf_guest_dyn(&f->guest, DT_RELASZ)->d_un.d_val = sizeof rela;
    f->guest.exports_section->sh_size = 0;
    f->guest.imports_section->sh_size = 0;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + rela.r_offset), f->image->base + 1);
}

static void test_image_rela_table_outside_the_contents_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t wrong[] = {f->guest.size, bss_end(f) - 0x1000, UINT64_MAX - 23};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        elf_guest_dyn(&f->guest, DT_RELA)->d_un.d_val = wrong[i];
        image_fixture_refused(f, "its RELA table at");
    }
}

static void test_image_rela_table_longer_than_its_segment_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_RELASZ)->d_un.d_val = 24 * (1ull << 56);
    image_fixture_refused(f, "its RELA table at");
}

static void test_image_rela_entry_of_wrong_size_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_RELAENT)->d_un.d_val = 16;
    image_fixture_refused(f, "its RELA entries have 16 bytes, not 24");
}

static void test_image_rela_table_that_ends_within_an_entry_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_RELASZ)->d_un.d_val -= 1;
    image_fixture_refused(f, "ends within an entry");
}

/* ---- RELR ------------------------------------------------------------------------------------ */

static void test_image_relr_adds_the_base_in_place(void **state)
{
    struct image_fixture *f = *state;

    rebuild_relr(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address),
                     f->image->base + f->guest.text_address);
    assert_string_equal(f->image->exports[0].name, "add");
    assert_string_equal(f->image->imports[1].name, "now");
}

static void test_image_relr_bitmap_reaches_63_words(void **state)
{
    struct image_fixture *f = *state;
    uint64_t at = f->guest.word_address;
    const uint64_t entries[] = {at, 1ull << 63 | 1, 1 << 1 | 1};

    set_relr(f, entries, 3);
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + at + 62 * WORD), 0);
    assert_int_equal(image_fixture_word(f, f->image->base + at + 63 * WORD), f->image->base);
    assert_int_equal(image_fixture_word(f, f->image->base + at + 64 * WORD), f->image->base);
    assert_int_equal(image_fixture_word(f, f->image->base + at + 65 * WORD), 0);
}

static void test_image_relr_that_goes_back_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {f->guest.word_address, f->guest.word_address};

    set_relr(f, entries, 2);
    image_fixture_refused(f, "its RELR table goes back to 0x");
}

static void test_image_relr_that_goes_back_into_a_bitmap_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {f->guest.word_address, 3, f->guest.word_address + 62 * WORD};

    set_relr(f, entries, 3);
    image_fixture_refused(f, "its RELR table goes back to 0x");
}

static void test_image_relr_that_begins_with_a_bitmap_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {3};

    set_relr(f, entries, 1);
    image_fixture_refused(f, "its RELR table begins with a bitmap");
}

static void test_image_relr_outside_the_image_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {bss_end(f) - 6};

    set_relr(f, entries, 1);
    image_fixture_refused(f, ", outside its segments");
}

static void test_image_relr_bitmap_out_of_the_image_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {(bss_end(f) - 8) & ~7ull, 3};

    set_relr(f, entries, 2);
    image_fixture_refused(f, ", outside its segments");
}

static void test_image_relr_into_code_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {f->guest.text_address};

    set_relr(f, entries, 1);
    image_fixture_refused(f, ", in segment 1, which is not writable");
}

static void test_image_relr_at_the_end_of_the_address_space_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t entries[] = {UINT64_MAX - 1, 3};

    set_relr(f, entries, 2);
    image_fixture_refused(f, ", outside its segments");
}

static void test_image_relr_table_outside_the_contents_is_refused(void **state)
{
    struct image_fixture *f = *state;

    rebuild_relr(f);
    elf_guest_dyn(&f->guest, DT_RELR)->d_un.d_val = bss_end(f);
    image_fixture_refused(f, "its RELR table at");
}

static void test_image_relr_entry_of_wrong_size_is_refused(void **state)
{
    struct image_fixture *f = *state;

    rebuild_relr(f);
    elf_guest_dyn(&f->guest, DT_RELRENT)->d_un.d_val = 4;
    image_fixture_refused(f, "its RELR entries have 4 bytes, not 8");
}

static void test_image_relr_table_that_ends_within_an_entry_is_refused(void **state)
{
    struct image_fixture *f = *state;

    rebuild_relr(f);
    elf_guest_dyn(&f->guest, DT_RELRSZ)->d_un.d_val += 4;
    image_fixture_refused(f, "its RELR table of");
}

/* ---- The dynamic section --------------------------------------------------------------------- */

static void test_image_without_dynamic_section_is_not_relocated(void **state)
{
    struct image_fixture *f = *state;

    f->guest.dynamic->p_type = PT_NULL;
    f->guest.exports_section->sh_size = 0;
    f->guest.imports_section->sh_size = 0;
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address), 0);
}

static void test_image_dynamic_entries_behind_the_null_do_not_count(void **state)
{
    struct image_fixture *f = *state;
    Elf64_Dyn *end = elf_guest_dyn(&f->guest, DT_DEBUG);

    end[2].d_tag = DT_NEEDED;
    image_fixture_accepted(f);
}

static void test_image_second_dynamic_section_is_refused(void **state)
{
    struct image_fixture *f = *state;

    *f->guest.spare = *f->guest.dynamic;
    image_fixture_refused(f, "it has more than one dynamic section");
}

static void test_image_dynamic_section_outside_the_contents_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.dynamic->p_vaddr = bss_end(f) - 0x1000;
    image_fixture_refused(f, "lies outside the contents of its segments");
    f->guest.dynamic->p_vaddr = UINT64_MAX;
    image_fixture_refused(f, "its dynamic section at 0xffffffffffffffff lies outside");
}

static void test_image_shared_library_needed_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_NEEDED);
    image_fixture_refused(f, "it needs shared libraries (DT_NEEDED)");
}

static void test_image_textrel_tag_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_TEXTREL);
    image_fixture_refused(f, "it needs its code relocated (DT_TEXTREL)");
    assert_non_null(strstr(f->err.hint, "-fPIE"));
}

static void test_image_textrel_flag_is_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_FLAGS)->d_un.d_val = DF_BIND_NOW | DF_TEXTREL;
    image_fixture_refused(f, "it needs its code relocated (DT_TEXTREL)");
}

static void test_image_textrel_of_a_self_relocating_guest_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});
    elf_guest_dyn(&f->guest, DT_TEXTREL);
    image_fixture_refused(f, "it needs its code relocated (DT_TEXTREL)");
}

static void test_image_flags_without_textrel_are_accepted(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_FLAGS)->d_un.d_val = DF_BIND_NOW;
    image_fixture_accepted(f);
}

static void test_image_rel_relocations_are_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_RELSZ)->d_un.d_val = 16;
    image_fixture_refused(f, "it has relocations of the kind REL; guests have RELA or RELR");
}

static void test_image_plt_rel_relocations_are_refused(void **state)
{
    struct image_fixture *f = *state;

    elf_guest_dyn(&f->guest, DT_PLTRELSZ)->d_un.d_val = 16;
    elf_guest_dyn(&f->guest, DT_PLTREL)->d_un.d_val = DT_REL;
    image_fixture_refused(f, "it has relocations of the kind REL");
}

static void point_plt_at_the_word(struct image_fixture *f)
{
    Elf64_Dyn *rela = elf_guest_dyn(&f->guest, DT_RELA);

    elf_guest_dyn(&f->guest, DT_JMPREL)->d_un.d_val =
        rela->d_un.d_val + (f->guest.rela_count - 1) * sizeof(Elf64_Rela);
    elf_guest_dyn(&f->guest, DT_PLTRELSZ)->d_un.d_val = sizeof(Elf64_Rela);
    elf_guest_dyn(&f->guest, DT_PLTREL)->d_un.d_val = DT_RELA;
    elf_guest_dyn(&f->guest, DT_RELASZ)->d_un.d_val -= sizeof(Elf64_Rela);
}

static void test_image_plt_relocations_are_applied(void **state)
{
    struct image_fixture *f = *state;

    point_plt_at_the_word(f);
    image_fixture_accepted(f);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address),
                     f->image->base + f->guest.text_address);
}

static void test_image_plt_relocation_of_another_type_is_refused(void **state)
{
    struct image_fixture *f = *state;

    point_plt_at_the_word(f);
    word_rela(f)->r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT);
    image_fixture_refused(f, "has type 7; only relative ones can be applied");
}

static void test_image_plt_table_outside_the_contents_is_refused(void **state)
{
    struct image_fixture *f = *state;

    point_plt_at_the_word(f);
    elf_guest_dyn(&f->guest, DT_JMPREL)->d_un.d_val = bss_end(f);
    image_fixture_refused(f, "its PLT relocation table at");
}

static void test_image_plt_of_a_self_relocating_guest_is_its_own(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});
    point_plt_at_the_word(f);
    word_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
    image_fixture_accepted(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_rela_writes_base_plus_addend),
        IMAGE_TEST(test_image_rela_replaces_what_was_there),
        IMAGE_TEST(test_image_rela_in_bss_grows_the_contents),
        IMAGE_TEST(test_image_relas_further_and_further_into_bss_are_applied),
        IMAGE_TEST(test_image_rela_unaligned_is_applied),
        IMAGE_TEST(test_image_rela_none_is_skipped),
        IMAGE_TEST(test_image_rela_of_a_named_architecture_takes_its_type_alone),
        IMAGE_TEST(test_image_rela_without_architecture_is_taken_for_relative),
        IMAGE_TEST(test_image_rela_with_a_symbol_and_no_architecture_is_refused),
        IMAGE_TEST(test_image_rela_of_another_type_is_refused),
        IMAGE_TEST(test_image_rela_irelative_is_refused),
        IMAGE_TEST(test_image_rela_irelative_of_self_relocating_guest_is_its_own),
        IMAGE_TEST(test_image_rela_outside_the_image_is_refused),
        IMAGE_TEST(test_image_rela_outside_a_self_relocating_image_is_refused),
        IMAGE_TEST(test_image_rela_into_code_is_refused),
        IMAGE_TEST(test_image_rela_into_constants_is_refused),
        IMAGE_TEST(test_image_rela_table_that_it_relocates_is_read_as_in_the_file),
        IMAGE_TEST(test_image_rela_table_outside_the_contents_is_refused),
        IMAGE_TEST(test_image_rela_table_longer_than_its_segment_is_refused),
        IMAGE_TEST(test_image_rela_entry_of_wrong_size_is_refused),
        IMAGE_TEST(test_image_rela_table_that_ends_within_an_entry_is_refused),
        IMAGE_TEST(test_image_relr_adds_the_base_in_place),
        IMAGE_TEST(test_image_relr_bitmap_reaches_63_words),
        IMAGE_TEST(test_image_relr_that_goes_back_is_refused),
        IMAGE_TEST(test_image_relr_that_goes_back_into_a_bitmap_is_refused),
        IMAGE_TEST(test_image_relr_that_begins_with_a_bitmap_is_refused),
        IMAGE_TEST(test_image_relr_outside_the_image_is_refused),
        IMAGE_TEST(test_image_relr_bitmap_out_of_the_image_is_refused),
        IMAGE_TEST(test_image_relr_into_code_is_refused),
        IMAGE_TEST(test_image_relr_at_the_end_of_the_address_space_is_refused),
        IMAGE_TEST(test_image_relr_table_outside_the_contents_is_refused),
        IMAGE_TEST(test_image_relr_entry_of_wrong_size_is_refused),
        IMAGE_TEST(test_image_relr_table_that_ends_within_an_entry_is_refused),
        IMAGE_TEST(test_image_without_dynamic_section_is_not_relocated),
        IMAGE_TEST(test_image_dynamic_entries_behind_the_null_do_not_count),
        IMAGE_TEST(test_image_second_dynamic_section_is_refused),
        IMAGE_TEST(test_image_dynamic_section_outside_the_contents_is_refused),
        IMAGE_TEST(test_image_shared_library_needed_is_refused),
        IMAGE_TEST(test_image_textrel_tag_is_refused),
        IMAGE_TEST(test_image_textrel_flag_is_refused),
        IMAGE_TEST(test_image_textrel_of_a_self_relocating_guest_is_refused),
        IMAGE_TEST(test_image_flags_without_textrel_are_accepted),
        IMAGE_TEST(test_image_rel_relocations_are_refused),
        IMAGE_TEST(test_image_plt_rel_relocations_are_refused),
        IMAGE_TEST(test_image_plt_relocations_are_applied),
        IMAGE_TEST(test_image_plt_relocation_of_another_type_is_refused),
        IMAGE_TEST(test_image_plt_table_outside_the_contents_is_refused),
        IMAGE_TEST(test_image_plt_of_a_self_relocating_guest_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
