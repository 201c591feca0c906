/* SPDX-License-Identifier: Apache-2.0 */
/* core/image-note.c: the guest note, and everything that can be wrong with it. */
#include "image-fixture.h"

/* A second copy of the note, in bytes that follow the file's. */
static void append_note(struct image_fixture *f, Elf64_Phdr *header)
{
    uint64_t bytes = f->guest.notes->p_filesz;

    memcpy(f->guest.bytes + f->guest.size, f->guest.note_head, bytes);
    *header = *f->guest.notes;
    header->p_offset = f->guest.size;
    f->guest.size += bytes;
}

static void test_image_note_behind_a_foreign_one_is_found(void **state)
{
    struct image_fixture *f = *state;

    append_note(f, f->guest.spare);
    memcpy(f->guest.note_owner, "OTHERS", 7);
    image_fixture_accepted(f);
    assert_int_equal(f->image->abi, SCONCE_GUEST_ABI_CURRENT);
}

static void test_image_note_in_an_8_byte_aligned_segment_is_found(void **state)
{
    struct image_fixture *f = *state;

    /* The owner's name ends at byte 19; 8-byte alignment puts the descriptor at 24. */
    memmove(f->guest.note_owner + 12, f->guest.note, sizeof *f->guest.note);
    memset(f->guest.note_owner + 8, 0, 4);
    f->guest.notes->p_filesz += 4;
    f->guest.notes->p_align = 8;
    image_fixture_accepted(f);
    assert_int_equal(f->image->reloc, SCONCE_RELOC_HOST);
}

static void test_image_note_segment_with_padding_is_accepted(void **state)
{
    struct image_fixture *f = *state;

    f->guest.notes->p_filesz += 8;
    image_fixture_accepted(f);
}

static void test_image_note_segment_that_is_empty_is_ignored(void **state)
{
    struct image_fixture *f = *state;

    f->guest.spare->p_type = PT_NOTE;
    image_fixture_accepted(f);
}

static void test_image_note_missing_is_refused_with_a_hint(void **state)
{
    struct image_fixture *f = *state;

    f->guest.notes->p_type = PT_NULL;
    image_fixture_refused(f, "it has no guest note, so it is no Sconce guest");
    assert_string_equal(f->err.hint, "build guests with sconce-cc");
}

static void test_image_note_of_another_owner_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_owner[0] = 's';
    image_fixture_refused(f, "it has no guest note");
}

static void test_image_note_owner_with_another_length_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_namesz = 6;
    image_fixture_refused(f, "it has no guest note");
}

static void test_image_plugin_given_as_guest_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_type = SCONCE_NOTE_PLUGIN;
    image_fixture_refused(f, "it is a backend plugin, not a guest");
}

static void test_image_second_note_is_refused(void **state)
{
    struct image_fixture *f = *state;

    append_note(f, f->guest.spare);
    image_fixture_refused(f, "it has more than one guest note");
}

static void test_image_note_too_short_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_descsz = 12;
    image_fixture_refused(f, "its note is malformed: 12 bytes, not 16");
}

static void test_image_note_without_descriptor_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_descsz = 0;
    image_fixture_refused(f, "its note is malformed: 0 bytes, not 16");
}

static void test_image_note_too_long_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_descsz = 20;
    f->guest.notes->p_filesz += 4;
    image_fixture_refused(f, "its note is malformed: 20 bytes, not 16");
}

static void test_image_note_reaching_out_of_its_segment_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note_head->n_descsz = 17;
    image_fixture_refused(f, "note segment 4 is malformed at byte 0");
    f->guest.note_head->n_descsz = UINT32_MAX;
    image_fixture_refused(f, "note segment 4 is malformed at byte 0");
    f->guest.note_head->n_descsz = 16;
    f->guest.note_head->n_namesz = UINT32_MAX;
    image_fixture_refused(f, "note segment 4 is malformed at byte 0");
}

static void test_image_note_segment_outside_the_file_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.notes->p_offset = f->guest.size;
    image_fixture_refused(f, "it is truncated: notes at offset");
    f->guest.notes->p_offset = UINT64_MAX - 3;
    image_fixture_refused(f, "it is truncated: notes at offset");
}

static void test_image_note_segment_too_large_is_refused(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.room = 1u << 20});
    f->guest.size += 1u << 20;
    f->guest.notes->p_filesz = (1u << 20) + 1;
    image_fixture_refused(f, "note segment 4 has more than 1048576 bytes");
}

static void test_image_note_of_a_newer_abi_names_both_versions(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note->abi = 9;
    image_fixture_refused(f, "it was built for guest ABI 9; this host takes 1 to 2");
    assert_non_null(strstr(f->err.hint, "update Sconce"));
}

static void test_image_note_of_a_newer_abi_with_more_fields_names_the_version(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note->abi = 9;
    f->guest.note_head->n_descsz = 20;
    f->guest.notes->p_filesz += 4;
    image_fixture_refused(f, "it was built for guest ABI 9; this host takes 1 to 2");
}

static void test_image_note_of_an_older_abi_names_both_versions(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note->abi = SCONCE_GUEST_ABI_MIN - 1;
    image_fixture_refused(f, "it was built for the outdated guest ABI 0; this host takes 1 to 2");
    assert_non_null(strstr(f->err.hint, "build it again"));
}

static void test_image_note_with_unknown_relocation_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note->reloc = 3;
    image_fixture_refused(f, "its note wants the unknown way of relocation 3");
    f->guest.note->reloc = 0;
    image_fixture_refused(f, "its note wants the unknown way of relocation 0");
}

static void test_image_note_with_reserved_field_set_is_refused(void **state)
{
    struct image_fixture *f = *state;

    f->guest.note->reserved[0] = 1;
    image_fixture_refused(f, "a reserved field of its note is not zero");
    f->guest.note->reserved[0] = 0;
    f->guest.note->reserved[1] = 1;
    image_fixture_refused(f, "a reserved field of its note is not zero");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_note_behind_a_foreign_one_is_found),
        IMAGE_TEST(test_image_note_in_an_8_byte_aligned_segment_is_found),
        IMAGE_TEST(test_image_note_segment_with_padding_is_accepted),
        IMAGE_TEST(test_image_note_segment_that_is_empty_is_ignored),
        IMAGE_TEST(test_image_note_missing_is_refused_with_a_hint),
        IMAGE_TEST(test_image_note_of_another_owner_is_refused),
        IMAGE_TEST(test_image_note_owner_with_another_length_is_refused),
        IMAGE_TEST(test_image_plugin_given_as_guest_is_refused),
        IMAGE_TEST(test_image_second_note_is_refused),
        IMAGE_TEST(test_image_note_too_short_is_refused),
        IMAGE_TEST(test_image_note_without_descriptor_is_refused),
        IMAGE_TEST(test_image_note_too_long_is_refused),
        IMAGE_TEST(test_image_note_reaching_out_of_its_segment_is_refused),
        IMAGE_TEST(test_image_note_segment_outside_the_file_is_refused),
        IMAGE_TEST(test_image_note_segment_too_large_is_refused),
        IMAGE_TEST(test_image_note_of_a_newer_abi_names_both_versions),
        IMAGE_TEST(test_image_note_of_a_newer_abi_with_more_fields_names_the_version),
        IMAGE_TEST(test_image_note_of_an_older_abi_names_both_versions),
        IMAGE_TEST(test_image_note_with_unknown_relocation_is_refused),
        IMAGE_TEST(test_image_note_with_reserved_field_set_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
