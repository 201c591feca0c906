/* SPDX-License-Identifier: Apache-2.0 */
/* cli/note.c: the facts of a backend file, whatever its bytes are. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/note.h"

#define FACTS "abi=1.0\nname=x\n"

/* An ELF header, one segment header, one foreign note, ours. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Nhdr foreign;
    char foreign_owner[4];
    char foreign_desc[4];
    Elf64_Nhdr ours;
    char owner[8];
    char desc[sizeof FACTS + (4 - sizeof FACTS % 4) % 4];
};

static struct file good(void)
{
    struct file file = {
        .header = {.e_phoff = offsetof(struct file, segment),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1},
        .segment = {.p_type = PT_NOTE,
                    .p_offset = offsetof(struct file, foreign),
                    .p_filesz = sizeof(struct file) - offsetof(struct file, foreign),
                    .p_align = 4},
        .foreign = {4, 3, 1},
        .foreign_owner = "GNU",
        .ours = {sizeof NOTE_OWNER, sizeof FACTS, NOTE_TYPE_PLUGIN},
        .owner = NOTE_OWNER,
        .desc = FACTS,
    };

    memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    return file;
}

static bool find(const struct file *file, struct note_span *ret)
{
    return note_find(file, sizeof *file, NOTE_TYPE_PLUGIN, &ret->data, &ret->bytes);
}

static void test_note_behind_a_foreign_one_is_found(void **state)
{
    struct file file = good();
    struct note_span facts;

    (void)state;
    assert_true(find(&file, &facts));
    assert_int_equal(facts.bytes, strlen(FACTS));
    assert_memory_equal(facts.data, FACTS, facts.bytes);
}

static void test_note_of_another_owner_or_type_is_not_ours(void **state)
{
    struct file file = good();
    struct note_span facts;

    (void)state;
    file.ours.n_type = 2;
    assert_false(find(&file, &facts));
    file = good();
    file.owner[0] = 'X';
    assert_false(find(&file, &facts));
    file = good();
    file.ours.n_namesz = 6;
    assert_false(find(&file, &facts));
}

static void test_note_every_truncation_is_survived(void **state)
{
    struct file file = good();
    struct note_span facts;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof file; bytes++) {
        void *copy = malloc(bytes ? bytes : 1); /* the sanitizer sees a read behind it */

        assert_non_null(copy);
        memcpy(copy, &file, bytes);
        assert_false(note_find(copy, bytes, NOTE_TYPE_PLUGIN, &facts.data, &facts.bytes));
        free(copy);
    }
}

static void test_note_lying_lengths_are_survived(void **state)
{
    struct note_span facts;
    struct file file;

    (void)state;
    file = good();
    file.header.e_phoff = UINT64_MAX - 8;
    assert_false(find(&file, &facts));
    file = good();
    file.header.e_phnum = 0xffff;
    assert_false(find(&file, &facts));
    file = good();
    file.segment.p_filesz = UINT64_MAX;
    assert_false(find(&file, &facts));
    file = good();
    file.foreign.n_namesz = UINT32_MAX;
    assert_false(find(&file, &facts));
    file = good();
    file.foreign.n_descsz = UINT32_MAX;
    assert_false(find(&file, &facts));
    file = good();
    file.ours.n_descsz = sizeof file.desc + 1;
    assert_false(find(&file, &facts));
}

static void test_note_other_classes_are_no_match(void **state)
{
    struct note_span facts;
    struct file file = good();

    (void)state;
    file.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_false(find(&file, &facts));
    file = good();
    file.header.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_false(find(&file, &facts));
}

static void test_note_lines_come_in_order(void **state)
{
    struct note_span text = {"a=1\nno fact\nb==x\n=e\nlast=", 25}, key, value;

    (void)state;
    assert_true(note_next(&text, &key, &value));
    assert_memory_equal(key.data, "a", key.bytes);
    assert_memory_equal(value.data, "1", value.bytes);
    assert_true(note_next(&text, &key, &value));
    assert_memory_equal(key.data, "b", key.bytes);
    assert_int_equal(value.bytes, 2);
    assert_memory_equal(value.data, "=x", 2);
    assert_true(note_next(&text, &key, &value));
    assert_int_equal(key.bytes, 0);
    assert_true(note_next(&text, &key, &value));
    assert_int_equal(key.bytes, 4);
    assert_int_equal(value.bytes, 0);
    assert_false(note_next(&text, &key, &value));
}

static void test_note_value_of_a_missing_key_is_empty(void **state)
{
    struct note_span text = {FACTS, strlen(FACTS)};

    (void)state;
    assert_int_equal(note_value(text, "nam").bytes, 0);
    assert_int_equal(note_value(text, "name").bytes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_behind_a_foreign_one_is_found),
        cmocka_unit_test(test_note_of_another_owner_or_type_is_not_ours),
        cmocka_unit_test(test_note_every_truncation_is_survived),
        cmocka_unit_test(test_note_lying_lengths_are_survived),
        cmocka_unit_test(test_note_other_classes_are_no_match),
        cmocka_unit_test(test_note_lines_come_in_order),
        cmocka_unit_test(test_note_value_of_a_missing_key_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
