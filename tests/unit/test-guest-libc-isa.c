/* SPDX-License-Identifier: Apache-2.0 */
/* guest/libc/isa.c, run on the host: processors that lack something, and notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest/libc/isa.c"

#define BASELINE 1u
#define V2 2u
#define V3 4u
#define V4 8u

static const struct processor everything = {.words = {UINT32_MAX, UINT32_MAX, UINT32_MAX}};

static char told[1024];

/* "" when @cpu has all of @needed. */
static const char *refusal_in(const struct processor *cpu, uint32_t needed, size_t room)
{
    struct text text = {told, told + room};
    bool missing = lacks(cpu, needed, &text);

    assert_true(text.at <= text.end);
    *text.at = '\0';
    assert_int_equal(missing, told[0] != '\0');
    return told;
}

static const char *refusal(const struct processor *cpu, uint32_t needed)
{
    return refusal_in(cpu, needed, sizeof told - 1);
}

static struct processor without(unsigned word, unsigned bit)
{
    struct processor cpu = everything;

    cpu.words[word] &= ~(1u << bit);
    return cpu;
}

static void test_a_processor_with_everything_runs_everything(void **state)
{
    (void)state;
    assert_string_equal(refusal(&everything, BASELINE | V2 | V3 | V4), "");
}

static void test_the_oldest_runs_what_needs_nothing(void **state)
{
    const struct processor oldest = {{0}};

    (void)state;
    assert_string_equal(refusal(&oldest, 0), "");
    assert_string_equal(refusal(&oldest, BASELINE), "");
}

static void test_what_is_missing_is_named(void **state)
{
    struct processor cpu = without(LEAF_7_EBX, 5);

    (void)state;
    assert_string_equal(refusal(&cpu, V3),
                        "the guest needs x86-64-v3, the processor that it was given lacks AVX2");
    assert_string_equal(refusal(&cpu, BASELINE | V2), "");
    cpu.words[LEAF_80000001_ECX] = 0;
    assert_string_equal(
        refusal(&cpu, BASELINE | V3),
        "the guest needs x86-64-v3, the processor that it was given lacks LAHF-SAHF, AVX2, LZCNT");
    assert_string_equal(
        refusal(&cpu, V2),
        "the guest needs x86-64-v2, the processor that it was given lacks LAHF-SAHF");
}

/* Also where the bits of the levels below are not set: the linker's option sets one alone. */
static void test_each_feature_is_needed_by_its_level_and_above(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FEATURES; i++) {
        struct processor cpu = without(features[i].word, features[i].bit);

        for (unsigned level = 0; level <= LEVEL_NEWEST; level++) {
            const char *text = refusal(&cpu, 1u << level);

            if (level < features[i].level)
                assert_string_equal(text, "");
            else
                assert_string_equal(strrchr(text, ' ') + 1, features[i].name);
        }
    }
}

static void test_levels_that_are_not_known_are_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(refusal(&everything, 0x10), "newer processor than x86-64-v4"));
    assert_non_null(strstr(refusal(&everything, UINT32_MAX), "newer processor than x86-64-v4"));
}

static void test_the_text_stays_in_its_room(void **state)
{
    const struct processor oldest = {{0}};
    char whole[sizeof told];

    (void)state;
    strcpy(whole, refusal(&oldest, V4));
    for (size_t room = 1; room < strlen(whole); room++) {
        assert_int_equal(strlen(refusal_in(&oldest, V4, room)), room);
        assert_memory_equal(told, whole, room);
    }
}

static void test_registers_that_are_off_cannot_be_used(void **state)
{
    struct processor cpu = everything;

    (void)state;
    leave_usable(&cpu, 0xe7);
    assert_memory_equal(&cpu, &everything, sizeof cpu);
    leave_usable(&cpu, 0x07);
    assert_string_equal(refusal(&cpu, V3), "");
    assert_string_equal(refusal(&cpu, V4),
                        "the guest needs x86-64-v4, the processor that it was given lacks AVX512F, "
                        "AVX512BW, AVX512CD, AVX512DQ, AVX512VL");
    leave_usable(&cpu, 0x03);
    assert_string_equal(
        refusal(&cpu, V3),
        "the guest needs x86-64-v3, the processor that it was given lacks AVX, AVX2, F16C, FMA");
    assert_string_equal(refusal(&cpu, V2), "");
}

/* ---- Notes ----------------------------------------------------------------------------------- */

/* As linkers make it: another property before the one that is looked for. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Nhdr note;
    char owner[4];
    uint32_t features[4];
    uint32_t isa[4];
};

static struct file file_needing(uint32_t needed)
{
    return (struct file){
        .header = {.e_phoff = offsetof(struct file, segments), .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD},
                     {.p_type = SEGMENT_GNU_PROPERTY,
                      .p_vaddr = offsetof(struct file, note),
                      .p_memsz = sizeof(struct file) - offsetof(struct file, note)}},
        .note = {.n_namesz = 4, .n_descsz = 32, .n_type = NOTE_GNU_PROPERTIES},
        .owner = "GNU",
        .features = {0xc0000002, 4, 3, 0},
        .isa = {PROPERTY_ISA_1_NEEDED, 4, needed, 0},
    };
}

static uint32_t needed_by_file(const struct file *file)
{
    return needed_by(&file->header, (uintptr_t)file);
}

static void test_the_property_is_found(void **state)
{
    struct file file = file_needing(BASELINE | V3);

    (void)state;
    assert_int_equal(needed_by_file(&file), BASELINE | V3);
}

static void test_without_a_property_nothing_is_needed(void **state)
{
    struct file file = file_needing(V3);

    (void)state;
    file.isa[0] = 0xc0008001;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.segments[1].p_type = PT_NOTE;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.note.n_type = 1;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.header.e_phnum = 1;
    assert_int_equal(needed_by_file(&file), 0);
}

/* Sizes that are not those of what is there end the search. */
static void test_sizes_are_not_believed(void **state)
{
    struct file file = file_needing(V3);

    (void)state;
    file.note.n_descsz = 33;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.features[1] = UINT32_MAX;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.isa[1] = 8;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.segments[1].p_memsz = 8;
    assert_int_equal(needed_by_file(&file), 0);
    file = file_needing(V3);
    file.note.n_descsz = 16 + 8;
    assert_int_equal(needed_by_file(&file), 0);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static jmp_buf rung;

void sconce_doorbell(uint32_t number)
{
    assert_int_equal(number, SCONCE_DOORBELL_ABORT);
    longjmp(rung, 1);
}

static void test_the_host_gets_the_text(void **state)
{
    static uint64_t out[64];
    const struct sconce_frame *frame = (const struct sconce_frame *)out;
    const struct sconce_slot *slot = (const struct sconce_slot *)(frame + 1);
    const struct sconce_boot boot = {.out_addr = (uintptr_t)out, .out_bytes = sizeof out};
    struct text text = text_of(&boot);

    (void)state;
    add(&text, "words");
    if (setjmp(rung) == 0)
        give_up(&boot, &text);
    assert_int_equal(frame->kind, SCONCE_FRAME_ABORT);
    assert_int_equal(frame->code, 1);
    assert_int_equal(frame->slot_count, 1);
    assert_int_equal(frame->used_bytes, sizeof *frame + sizeof *slot + 5);
    assert_int_equal(slot->type, SCONCE_TYPE_STRING);
    assert_int_equal(slot->length, 5);
    assert_memory_equal((const char *)out + slot->value, "words", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_processor_with_everything_runs_everything),
        cmocka_unit_test(test_the_oldest_runs_what_needs_nothing),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_each_feature_is_needed_by_its_level_and_above),
        cmocka_unit_test(test_levels_that_are_not_known_are_refused),
        cmocka_unit_test(test_the_text_stays_in_its_room),
        cmocka_unit_test(test_registers_that_are_off_cannot_be_used),
        cmocka_unit_test(test_the_property_is_found),
        cmocka_unit_test(test_without_a_property_nothing_is_needed),
        cmocka_unit_test(test_sizes_are_not_believed),
        cmocka_unit_test(test_the_host_gets_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
