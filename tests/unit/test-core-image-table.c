/* SPDX-License-Identifier: Apache-2.0 */
/* core/image-table.c: exports and imports. */
#include "image-fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTROL "is not UTF-8 without control characters"

static void rebuild_with_export(struct image_fixture *f, const char *name, const char *signature)
{
    const struct elf_function e = {name, signature};

    elf_guest_fini(&f->guest);
    elf_guest_init(&f->guest,
                   &(struct elf_options){.functions = true, .exports = &e, .export_count = 1});
}

/* ---- Good tables ----------------------------------------------------------------------------- */

static void test_image_exports_are_sorted_and_keep_their_index(void **state)
{
    struct image_fixture *f = *state;
    const struct sconce_image_function *e = f->image->exports;

    assert_string_equal(e[0].name, "add");
    assert_int_equal(e[0].index, 1);
    assert_string_equal(e[1].name, "zip");
    assert_int_equal(e[1].index, 0);
}

static void test_image_function_has_its_signature(void **state)
{
    struct image_fixture *f = *state;
    const struct sconce_image_function *zip = &f->image->exports[1];

    assert_string_equal(zip->text, "(string, bool) -> bytes");
    assert_string_equal(zip->params, "sb");
    assert_int_equal(zip->param_count, 2);
    assert_int_equal(zip->result, SCONCE_TYPE_BYTES);
    assert_string_equal(f->image->imports[1].text, "() -> i64");
    assert_int_equal(f->image->imports[1].param_count, 0);
}

static void test_image_without_section_headers_has_no_functions(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shoff = 0;
    f->guest.ehdr->e_shnum = 0;
    image_fixture_accepted(f);
    assert_int_equal(f->image->export_count, 0);
    assert_int_equal(f->image->import_count, 0);
}

static void test_image_without_section_names_has_no_functions(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shstrndx = SHN_UNDEF;
    image_fixture_accepted(f);
    assert_int_equal(f->image->export_count, 0);
}

static void test_image_without_the_sections_has_no_functions(void **state)
{
    struct image_fixture *f = *state;

    f->guest.exports_section->sh_name = 1;
    f->guest.imports_section->sh_name = 0;
    image_fixture_accepted(f);
    assert_int_equal(f->image->export_count, 0);
    assert_int_equal(f->image->import_count, 0);
}

static void test_image_section_name_with_a_longer_one_is_not_taken(void **state)
{
    struct image_fixture *f = *state;

    f->guest.exports_section->sh_name += 1;
    image_fixture_accepted(f);
    assert_int_equal(f->image->export_count, 0);
}

static void test_image_export_and_import_may_share_a_name(void **state)
{
    struct image_fixture *f = *state;

    memcpy(elf_guest_name(&f->guest, &f->guest.imports[0]), "add", 4);
    image_fixture_accepted(f);
    assert_string_equal(f->image->imports[0].name, "add");
}

static void test_image_most_functions_fit(void **state)
{
    struct image_fixture *f = *state;
    struct elf_function *many = calloc(SCONCE_IMAGE_MAX_FUNCTIONS, sizeof *many);
    char *names = calloc(SCONCE_IMAGE_MAX_FUNCTIONS, 8);

    assert_non_null(many);
    assert_non_null(names);
    for (uint32_t i = 0; i < SCONCE_IMAGE_MAX_FUNCTIONS; i++) {
        snprintf(names + (size_t)i * 8, 8, "f%04u", SCONCE_IMAGE_MAX_FUNCTIONS - 1 - i);
        many[i] = (struct elf_function){names + (size_t)i * 8, "n"};
    }
    for (uint32_t relr = 0; relr < 2; relr++) {
        image_fixture_rebuild(f, &(struct elf_options){.functions = true,
                                                       .relr = relr != 0,
                                                       .exports = many,
                                                       .export_count = SCONCE_IMAGE_MAX_FUNCTIONS});
        assert_int_equal(f->image->export_count, SCONCE_IMAGE_MAX_FUNCTIONS);
        assert_string_equal(f->image->exports[0].name, "f0000");
        assert_string_equal(f->image->exports[4095].name, "f4095");
        assert_int_equal(f->image->exports[4095].index, 0);
    }
    free(names);
    free(many);
}

static void test_image_name_of_255_bytes_fits(void **state)
{
    struct image_fixture *f = *state;
    char name[SCONCE_NAME_MAX + 1];

    memset(name, 'x', sizeof name);
    name[SCONCE_NAME_MAX] = '\0';
    rebuild_with_export(f, name, "n");
    image_fixture_accepted(f);
    assert_string_equal(f->image->exports[0].name, name);
}

static void test_image_name_beyond_ascii_is_accepted(void **state)
{
    struct image_fixture *f = *state;

    rebuild_with_export(f,
                        "gr\xc3\xb6\xc3\x9f"
                        "e\xc2\xa0\xf0\x9f\x98\x80",
                        "n");
    image_fixture_accepted(f);
}

static void test_image_export_with_sixteen_parameters_is_accepted(void **state)
{
    struct image_fixture *f = *state;

    rebuild_with_export(f, "many", "nbiulmfdsybiulmfd");
    image_fixture_accepted(f);
    assert_int_equal(f->image->exports[0].param_count, 16);
    assert_string_equal(f->image->exports[0].params, "biulmfdsybiulmfd");
}

/* ---- Sections that are refused --------------------------------------------------------------- */

static void test_image_section_names_in_no_section_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shstrndx = 4;
    image_fixture_refused(f, "its section names are said to be in section 4 of 4");
    f->guest.ehdr->e_shstrndx = SHN_XINDEX;
    image_fixture_refused(f, "its section names are said to be in section 65535 of 4");
}

static void test_image_section_names_outside_the_file_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.names_section->sh_size = f->guest.size;
    image_fixture_refused(f, "its section names, section 3, are malformed");
    f->guest.names_section->sh_offset = UINT64_MAX;
    image_fixture_refused(f, "its section names, section 3, are malformed");
}

static void test_image_section_names_of_another_type_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.names_section->sh_type = SHT_NOBITS;
    image_fixture_refused(f, "its section names, section 3, are malformed");
}

static void test_image_section_name_at_the_end_of_the_names_is_no_match(void **state)
{
    struct image_fixture *f = *state;

    f->guest.names_section->sh_size = f->guest.exports_section->sh_name + 4;
    image_fixture_accepted(f);
    assert_int_equal(f->image->export_count, 0);
}

static void test_image_second_section_of_exports_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.imports_section->sh_name = f->guest.exports_section->sh_name;
    image_fixture_refused(f, "it has more than one section sconce_exports");
}

static void test_image_table_that_is_not_loaded_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.imports_section->sh_flags = 0;
    image_fixture_refused(f, "section sconce_imports is not loaded");
}

static void test_image_table_that_ends_within_an_entry_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.exports_section->sh_size -= 1;
    image_fixture_refused(f, "section sconce_exports of 95 bytes ends within an entry of 48");
}

static void test_image_too_many_exports_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.exports_section->sh_size = 48ull * 4097;
    image_fixture_refused(f, "it has more than 4096 exports");
}

static void test_image_too_many_imports_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.imports_section->sh_size = 48 * (1ull << 58);
    image_fixture_refused(f, "it has more than 4096 imports");
}

static void test_image_table_outside_the_contents_is_refused(void **state)
{
    struct image_fixture *f = *state;
    uint64_t end = f->guest.data->p_vaddr + f->guest.data->p_filesz;
    const uint64_t wrong[] = {end - 95, end, 0x900000, UINT64_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->guest.exports_section->sh_addr = wrong[i];
        image_fixture_refused(f, "lies outside the contents of its segments");
    }
}

/* ---- Entries that are refused ---------------------------------------------------------------- */

static void test_image_entry_of_another_size_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.exports[1].bytes = 56;
    image_fixture_refused(f, "export 1 says that it has 56 bytes, not 48");
}

static void test_image_entry_with_flags_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.imports[0].flags = 0x10;
    image_fixture_refused(f, "import 0 has the unknown flags 0x10");
}

static void test_image_name_outside_the_image_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t wrong[] = {0x900000, f->guest.size, UINT64_MAX, 0 - SCONCE_IMAGE_BASE};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->guest.rela[0].r_addend = (int64_t)wrong[i];
        image_fixture_refused(f, "lies outside the contents of its segments");
        assert_non_null(strstr(f->err.text, "the name of export 0 at 0x"));
    }
}

static void test_image_name_that_is_null_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});
    f->guest.exports[0].name = 0;
    image_fixture_refused(f, "the name of export 0 at 0x0 lies outside");
}

static void test_image_name_without_end_is_refused(void **state)
{
    struct image_fixture *f = *state;
    char *name = elf_guest_name(&f->guest, &f->guest.imports[1]);

    /* The segment's contents end within the name. */
    f->guest.constants->p_filesz = (uint64_t)((uint8_t *)name + 2 - f->guest.bytes);
    image_fixture_refused(f, "the name of import 1 does not end within its segment");
}

static void test_image_name_of_256_bytes_is_refused(void **state)
{
    struct image_fixture *f = *state;
    char name[SCONCE_NAME_MAX + 2];

    memset(name, 'x', sizeof name);
    name[SCONCE_NAME_MAX + 1] = '\0';
    rebuild_with_export(f, name, "n");
    image_fixture_refused(f, "the name of export 0 is longer than 255 bytes");
}

static void test_image_name_that_is_empty_is_refused(void **state)
{
    struct image_fixture *f = *state;

    rebuild_with_export(f, "", "n");
    image_fixture_refused(f, "the name of export 0 is empty");
}

static void test_image_name_that_is_not_utf8_is_refused(void **state)
{
    struct image_fixture *f = *state;

    rebuild_with_export(f, "caf\xe9", "n");
    image_fixture_refused(f, "the name of export 0 " CONTROL);
}

static void test_image_name_with_control_characters_is_refused(void **state)
{
    static const char *const names[] = {"a\nb", "\x1b[2J", "\x7f", "a\xc2\x80", "\xc2\x9f"};
    struct image_fixture *f = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rebuild_with_export(f, names[i], "n");
        image_fixture_refused(f, "the name of export 0 " CONTROL);
    }
}

static void test_image_malformed_signature_is_refused(void **state)
{
    static const char *const signatures[] = {"", "q", "in", "iiiiiiiiiiiiiiiiii", "i i"};
    struct image_fixture *f = *state;

    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        rebuild_with_export(f, "f", signatures[i]);
        image_fixture_refused(f, "export \"f\" has a malformed signature");
    }
}

static void test_image_export_entry_outside_the_code_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t wrong[] = {f->guest.word_address, 0, f->guest.text_address - 1,
                              f->guest.text_address + f->guest.text->p_filesz, UINT64_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->guest.rela[1].r_addend = (int64_t)wrong[i];
        image_fixture_refused(f, "the entry of export \"zip\", 0x");
    }
}

static void test_image_import_with_entry_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.imports[1].entry = f->guest.text_address;
    image_fixture_refused(f, "import \"log\" has an entry; only exports have");
}

static void test_image_export_twice_is_refused(void **state)
{
    struct image_fixture *f = *state;

    memcpy(elf_guest_name(&f->guest, &f->guest.exports[0]), "add", 4);
    image_fixture_refused(f, "it exports \"add\" twice");
    assert_string_equal(f->err.hint, "give one of them another name");
}

static void test_image_import_twice_is_refused(void **state)
{
    struct image_fixture *f = *state;

    memcpy(elf_guest_name(&f->guest, &f->guest.imports[0]), "log", 4);
    image_fixture_refused(f, "it imports \"log\" twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_exports_are_sorted_and_keep_their_index),
        IMAGE_TEST(test_image_function_has_its_signature),
        IMAGE_TEST(test_image_without_section_headers_has_no_functions),
        IMAGE_TEST(test_image_without_section_names_has_no_functions),
        IMAGE_TEST(test_image_without_the_sections_has_no_functions),
        IMAGE_TEST(test_image_section_name_with_a_longer_one_is_not_taken),
        IMAGE_TEST(test_image_export_and_import_may_share_a_name),
        IMAGE_TEST(test_image_most_functions_fit),
        IMAGE_TEST(test_image_name_of_255_bytes_fits),
        IMAGE_TEST(test_image_name_beyond_ascii_is_accepted),
        IMAGE_TEST(test_image_export_with_sixteen_parameters_is_accepted),
        IMAGE_TEST(test_image_section_names_in_no_section_are_refused),
        IMAGE_TEST(test_image_section_names_outside_the_file_are_refused),
        IMAGE_TEST(test_image_section_names_of_another_type_are_refused),
        IMAGE_TEST(test_image_section_name_at_the_end_of_the_names_is_no_match),
        IMAGE_TEST(test_image_second_section_of_exports_is_refused),
        IMAGE_TEST(test_image_table_that_is_not_loaded_is_refused),
        IMAGE_TEST(test_image_table_that_ends_within_an_entry_is_refused),
        IMAGE_TEST(test_image_too_many_exports_are_refused),
        IMAGE_TEST(test_image_too_many_imports_are_refused),
        IMAGE_TEST(test_image_table_outside_the_contents_is_refused),
        IMAGE_TEST(test_image_entry_of_another_size_is_refused),
        IMAGE_TEST(test_image_entry_with_flags_is_refused),
        IMAGE_TEST(test_image_name_outside_the_image_is_refused),
        IMAGE_TEST(test_image_name_that_is_null_is_refused),
        IMAGE_TEST(test_image_name_without_end_is_refused),
        IMAGE_TEST(test_image_name_of_256_bytes_is_refused),
        IMAGE_TEST(test_image_name_that_is_empty_is_refused),
        IMAGE_TEST(test_image_name_that_is_not_utf8_is_refused),
        IMAGE_TEST(test_image_name_with_control_characters_is_refused),
        IMAGE_TEST(test_image_malformed_signature_is_refused),
        IMAGE_TEST(test_image_export_entry_outside_the_code_is_refused),
        IMAGE_TEST(test_image_import_with_entry_is_refused),
        IMAGE_TEST(test_image_export_twice_is_refused),
        IMAGE_TEST(test_image_import_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
