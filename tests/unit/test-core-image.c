/* SPDX-License-Identifier: Apache-2.0 */
/* core/image.c: what comes out of a good guest, and which files are none by their headers. */
#include "image-fixture.h"

#include <stdlib.h>
#include <sys/mman.h>

/* ---- Good guests ----------------------------------------------------------------------------- */

static void test_image_facts_of_the_file_are_reported(void **state)
{
    struct image_fixture *f = *state;

    assert_string_equal(f->image->name, "test.elf");
    assert_int_equal(f->image->machine, ELF_MACHINE);
    assert_int_equal(f->image->abi, SCONCE_GUEST_ABI_CURRENT);
    assert_int_equal(f->image->reloc, SCONCE_RELOC_HOST);
    assert_int_equal(f->image->base, SCONCE_IMAGE_BASE);
    assert_int_equal(f->image->entry, SCONCE_IMAGE_BASE + f->guest.text_address);
    assert_int_equal(f->image->export_count, 2);
    assert_int_equal(f->image->import_count, 2);
}

static void test_image_fixed_addresses_are_kept(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.type = ET_EXEC});

    assert_int_equal(f->image->base, 0);
    assert_int_equal(f->image->entry, f->guest.text_address);
    assert_int_equal(f->image->start, ELF_FIXED);
    assert_string_equal(f->image->exports[0].name, "add");
    assert_int_equal(image_fixture_word(f, f->guest.word_address), f->guest.text_address);
}

/* The guest gets its own bytes; the host reads the tables as they will be. */
static void test_image_that_relocates_itself_stays_unrelocated(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});

    assert_int_equal(f->image->reloc, SCONCE_RELOC_SELF);
    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address), 0);
    assert_string_equal(f->image->exports[0].name, "add");
    assert_string_equal(f->image->imports[1].name, "now");
}

static void test_image_that_relocates_itself_with_relr_stays_unrelocated(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true, .relr = true});

    assert_int_equal(image_fixture_word(f, f->image->base + f->guest.word_address),
                     f->guest.text_address);
    assert_string_equal(f->image->exports[0].name, "add");
}

static void test_image_input_is_only_read(void **state)
{
    struct image_fixture *f = *state;
    size_t bytes = (f->guest.size + 4095) & ~(size_t)4095;
    uint8_t *locked = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sconce_image *image = NULL;

    assert_ptr_not_equal(locked, MAP_FAILED);
    memcpy(locked, f->guest.bytes, f->guest.size);
    assert_int_equal(mprotect(locked, bytes, PROT_READ), 0);

    assert_int_equal(
        sconce_image_new(locked, f->guest.size, "x", ELF_RELATIVE, IMAGE_LIMIT, &image, NULL), 0);

    munmap(locked, bytes);
    assert_string_equal(image->exports[0].name, "add");
    sconce_image_free(image);
}

static void test_image_input_needs_no_alignment(void **state)
{
    struct image_fixture *f = *state;
    uint8_t *copy = malloc(f->guest.size + 1);
    struct sconce_image *image = NULL;

    assert_non_null(copy);
    memcpy(copy + 1, f->guest.bytes, f->guest.size);
    assert_int_equal(
        sconce_image_new(copy + 1, f->guest.size, NULL, ELF_RELATIVE, IMAGE_LIMIT, &image, NULL),
        0);

    free(copy);
    assert_string_equal(image->name, "(unnamed)");
    sconce_image_free(image);
}

static void test_image_free_takes_null(void **state)
{
    (void)state;
    sconce_image_free(NULL);
}

static void test_image_failure_without_error_struct_returns_the_code(void **state)
{
    struct sconce_image *image = NULL;

    (void)state;
    assert_int_equal(sconce_image_new("x", 1, "x", 0, IMAGE_LIMIT, &image, NULL),
                     SCONCE_E_GUEST_FORMAT);
    assert_null(image);
}

static void test_image_very_long_name_leaves_room_for_the_reason(void **state)
{
    struct image_fixture *f = *state;
    struct sconce_image *image = NULL;
    char name[4096];

    memset(name, 'd', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(sconce_image_new("x", 1, name, 0, IMAGE_LIMIT, &image, &f->err),
                     SCONCE_E_GUEST_FORMAT);
    assert_non_null(strstr(f->err.text, "not an ELF file"));
}

/* Whatever is cut off, nothing is read behind the end and nothing is accepted that lost a part. */
static void test_image_truncated_at_any_byte_is_refused(void **state)
{
    struct image_fixture *f = *state;
    size_t whole = f->guest.size;

    for (size_t bytes = 0; bytes < whole; bytes++) {
        f->guest.size = bytes;
        assert_int_equal(image_fixture_parse(f), SCONCE_E_GUEST_FORMAT);
        assert_non_null(strstr(f->err.text, bytes < SELFMAG ? "not an ELF" : "truncated"));
    }
}

/* ---- sconce_image_machine -------------------------------------------------------------------- */

static void test_image_machine_is_e_machine(void **state)
{
    struct image_fixture *f = *state;
    uint32_t machine = 0;

    f->guest.ehdr->e_machine = EM_AARCH64;
    assert_int_equal(sconce_image_machine(f->guest.bytes, f->guest.size, "x", &machine, &f->err),
                     0);
    assert_int_equal(machine, EM_AARCH64);
}

static void test_image_machine_of_no_elf_file_is_refused(void **state)
{
    struct image_fixture *f = *state;
    uint32_t machine = 7;

    assert_int_equal(sconce_image_machine("#!/bin/sh", 9, "x.sh", &machine, &f->err),
                     SCONCE_E_GUEST_FORMAT);
    assert_string_equal(f->err.text, "cannot load guest x.sh: it is not an ELF file");
    assert_string_equal(f->err.hint, "build guests with sconce-cc");
    assert_int_equal(machine, 7);
}

/* ---- Headers that are refused ---------------------------------------------------------------- */

static void test_image_not_an_elf_file_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.bytes[1] = 'e';
    image_fixture_refused(f, "it is not an ELF file");
}

static void test_image_empty_file_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.size = 0;
    image_fixture_refused(f, "it is not an ELF file");
}

static void test_image_32_bit_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_ident[EI_CLASS] = ELFCLASS32;
    image_fixture_refused(f, "it is a 32-bit ELF file");
}

static void test_image_unknown_class_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_ident[EI_CLASS] = 9;
    image_fixture_refused(f, "its ELF class 9 is unknown");
}

static void test_image_big_endian_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_ident[EI_DATA] = ELFDATA2MSB;
    image_fixture_refused(f, "it is a big-endian ELF file");
}

static void test_image_unknown_byte_order_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_ident[EI_DATA] = 0;
    image_fixture_refused(f, "its ELF byte order 0 is unknown");
}

static void test_image_unknown_elf_version_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_ident[EI_VERSION] = 2;
    image_fixture_refused(f, "its ELF version 2 is unknown");
}

static void test_image_object_file_is_refused_with_a_hint(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_type = ET_REL;
    image_fixture_refused(f, "it is an object file that was not linked");
    assert_non_null(strstr(f->err.hint, "sconce-cc"));
}

static void test_image_core_dump_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_type = ET_CORE;
    image_fixture_refused(f, "it is a core dump");
}

static void test_image_unknown_type_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_type = 77;
    image_fixture_refused(f, "its ELF type 77 is unknown");
}

static void test_image_no_program_headers_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_phnum = 0;
    image_fixture_refused(f, "it has no program headers");
}

static void test_image_wrong_program_header_size_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_phentsize = 32;
    image_fixture_refused(f, "its program headers have 32 bytes each, not 56");
}

static void test_image_too_many_program_headers_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_phnum = 65;
    image_fixture_refused(f, "it has 65 program headers; at most 64 are read");
    f->guest.ehdr->e_phnum = PN_XNUM;
    image_fixture_refused(f, "it has 65535 program headers");
}

static void test_image_program_headers_outside_the_file_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_phoff = f->guest.size - 8;
    image_fixture_refused(f, "it is truncated: program headers at offset");
    f->guest.ehdr->e_phoff = UINT64_MAX - 8;
    image_fixture_refused(f, "it is truncated: program headers at offset");
}

static void test_image_wrong_section_header_size_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shentsize = 40;
    image_fixture_refused(f, "its section headers have 40 bytes each, not 64");
}

static void test_image_section_count_in_the_first_section_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shnum = 0;
    f->guest.sections[0].sh_size = 1ull << 40;
    image_fixture_refused(f, "it has too many sections, or says 0 of them");
}

static void test_image_section_headers_outside_the_file_are_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.ehdr->e_shnum = 5;
    image_fixture_refused(f, "it is truncated: section headers at offset");
    f->guest.ehdr->e_shoff = UINT64_MAX - 63;
    image_fixture_refused(f, "it is truncated: section headers at offset");
}

static void test_image_program_interpreter_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.spare->p_type = PT_INTERP;
    image_fixture_refused(f, "(PT_INTERP): it is dynamically linked");
    assert_non_null(strstr(f->err.hint, "statically"));
}

static void test_image_executable_stack_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.stack->p_flags |= PF_X;
    image_fixture_refused(f, "it asks for an executable stack");
    assert_non_null(strstr(f->err.hint, "-z noexecstack"));
}

static void test_image_entry_outside_the_code_is_refused(void **state)
{
    struct image_fixture *f = *state;
    const uint64_t wrong[] = {f->guest.word_address, f->guest.text_address - 1,
                              f->guest.text_address + f->guest.text->p_filesz, 0, UINT64_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->guest.ehdr->e_entry = wrong[i];
        image_fixture_refused(f, "does not lie in an executable segment");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_facts_of_the_file_are_reported),
        IMAGE_TEST(test_image_fixed_addresses_are_kept),
        IMAGE_TEST(test_image_that_relocates_itself_stays_unrelocated),
        IMAGE_TEST(test_image_that_relocates_itself_with_relr_stays_unrelocated),
        IMAGE_TEST(test_image_input_is_only_read),
        IMAGE_TEST(test_image_input_needs_no_alignment),
        IMAGE_TEST(test_image_free_takes_null),
        IMAGE_TEST(test_image_failure_without_error_struct_returns_the_code),
        IMAGE_TEST(test_image_very_long_name_leaves_room_for_the_reason),
        IMAGE_TEST(test_image_truncated_at_any_byte_is_refused),
        IMAGE_TEST(test_image_machine_is_e_machine),
        IMAGE_TEST(test_image_machine_of_no_elf_file_is_refused),
        IMAGE_TEST(test_image_not_an_elf_file_is_refused),
        IMAGE_TEST(test_image_empty_file_is_refused),
        IMAGE_TEST(test_image_32_bit_is_refused),
        IMAGE_TEST(test_image_unknown_class_is_refused),
        IMAGE_TEST(test_image_big_endian_is_refused),
        IMAGE_TEST(test_image_unknown_byte_order_is_refused),
        IMAGE_TEST(test_image_unknown_elf_version_is_refused),
        IMAGE_TEST(test_image_object_file_is_refused_with_a_hint),
        IMAGE_TEST(test_image_core_dump_is_refused),
        IMAGE_TEST(test_image_unknown_type_is_refused),
        IMAGE_TEST(test_image_no_program_headers_is_refused),
        IMAGE_TEST(test_image_wrong_program_header_size_is_refused),
        IMAGE_TEST(test_image_too_many_program_headers_are_refused),
        IMAGE_TEST(test_image_program_headers_outside_the_file_are_refused),
        IMAGE_TEST(test_image_wrong_section_header_size_is_refused),
        IMAGE_TEST(test_image_section_count_in_the_first_section_is_refused),
        IMAGE_TEST(test_image_section_headers_outside_the_file_are_refused),
        IMAGE_TEST(test_image_program_interpreter_is_refused),
        IMAGE_TEST(test_image_executable_stack_is_refused),
        IMAGE_TEST(test_image_entry_outside_the_code_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
