/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/config-*.c: what is written is read back the same, and each member is held to its type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sconce-plugin.h"
#include "snapshot/config.h"

static struct sconce_personality_range mappings[] = {{0x10000, 0x11000}, {0x20000, 0x30000}};

static struct sconce_snapshot_config example(void)
{
    struct sconce_snapshot_config config = {
        .parts = {.heap_bytes = 1u << 20,
                  .stack_bytes = 1u << 17,
                  .io_bytes = 1u << 16,
                  .resume_pc = 0x400010,
                  .resume_sp = 0xfffffff,
                  .resume_tls = UINT64_MAX,
                  .fault_pc = 0x400020,
                  .fault_stack = 0x500000,
                  .fault_stack_bytes = 8192,
                  .generation = 3,
                  .system = {.brk = 0x600000,
                             .mappings = mappings,
                             .mapping_count = 2,
                             .mapping_room = 2,
                             .random_at = 12},
                  .regions = {{0x400000, 65536, SCONCE_MEM_IMAGE},
                              {0x410000, 65536, SCONCE_MEM_STATE},
                              {0x420000, 65536, SCONCE_MEM_IO},
                              {0x430000, 65536, SCONCE_MEM_BOOT}},
                  .region_count = 4},
        .guest_name = "guest.elf",
        .created = "2026-11-27T12:00:00Z",
        .machine = EM_AARCH64,
        .guest_abi = 2,
    };

    sconce_cpu_add(&config.cpu, "sve");
    sconce_cpu_add(&config.cpu, "sha3");
    return config;
}

static char *write_example(const struct sconce_snapshot_config *config)
{
    struct sconce_error err = {0};
    char *text = NULL;
    size_t bytes;

    assert_int_equal(sconce_snapshot_config_write(config, &text, &bytes, &err), 0);
    assert_int_equal(bytes, strlen(text));
    return text;
}

static int read_text(const char *text, struct sconce_snapshot_config *ret_config,
                     struct sconce_error *err)
{
    return sconce_snapshot_config_parse(text, strlen(text), "it", ret_config, err);
}

static void test_config_comes_back(void **state)
{
    struct sconce_snapshot_config config = example(), again;
    struct sconce_error err = {0};
    char *text = write_example(&config);

    (void)state;
    assert_int_equal(read_text(text, &again, &err), 0);
    assert_memory_equal(again.parts.system.mappings, mappings, sizeof mappings);
    free(again.parts.system.mappings);
    again.parts.system.mappings = mappings;
    assert_memory_equal(&again.parts, &config.parts, sizeof again.parts);
    assert_memory_equal(&again.cpu, &config.cpu, sizeof again.cpu);
    assert_string_equal(again.guest_name, config.guest_name);
    assert_string_equal(again.created, config.created);
    assert_int_equal(again.machine, EM_AARCH64);
    assert_int_equal(again.guest_abi, 2);
    free(text);
}

static void test_a_guest_without_fault_handler_has_no_member_for_it(void **state)
{
    struct sconce_snapshot_config config = example(), again;
    struct sconce_error err = {0};
    char *text;

    (void)state;
    config.parts.fault_pc = 0;
    text = write_example(&config);
    assert_null(strstr(text, "fault_handler"));
    assert_int_equal(read_text(text, &again, &err), 0);
    assert_int_equal(again.parts.fault_stack, 0);
    sconce_snapshot_config_fini(&again);
    free(text);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *result = malloc(strlen(text) + strlen(to) + 1);

    assert_non_null(at);
    assert_non_null(result);
    memcpy(result, text, (size_t)(at - text));
    strcpy(result + (at - text), to);
    strcat(result, at + strlen(from));
    return result;
}

static void test_members_that_nobody_knows_are_passed_over(void **state)
{
    struct sconce_snapshot_config config = example(), again;
    struct sconce_error err = {0};
    char *text = write_example(&config), *more;

    (void)state;
    more = replaced(text, "\"os\":", "\"xy\":7,\"os\":");
    assert_int_equal(read_text(more, &again, &err), 0);
    sconce_snapshot_config_fini(&again);
    free(more);
    free(text);
}

/* One text in the document in the place of another. */
static const struct {
    const char *from, *to, *says;
} refusals[] = {
    {"\"format\":1", "\"format\":2", "has format 2"},
    {"\"format\":1", "\"formal\":1", "no member \"format\""},
    {"\"os\":\"sconce\"", "\"os\":\"\\u009blinux\"", "\"os\" of it is \"??linux\", where sconce"},
    {"\"os\":\"sconce\"", "\"xs\":\"sconce\"", "no member \"os\""},
    {"\"format\":1", "\"format\":\"1\"", "\"format\" of it is no whole number"},
    {"arm64", "vax", "unknown architecture \"vax\""},
    {"\"arm64\"", "7", "\"architecture\" of it is no text"},
    {"2026-11-27T12:00:00Z", "2026-11-27T12:00:00.000Z", "more than 23 characters"},
    {"2026-11-27T12:00:00Z", "\\u009b31m", "\"created\" of it cannot be \"??31m\""},
    {"2026-11-27T12:00:00Z", "2026-11-27 12:00:00Z", "\"created\" of it cannot be"},
    {"2026", "\\n026", "\"created\" of it cannot be \"?026"},
    {"2026-11-27T12:00:00Z", "2026-11-27T12:00:00", "\"created\" of it cannot be"},
    {"guest.elf", "\\u001b[2J", "\"name\" of it cannot be \"?[2J\""},
    {"guest.elf", "\\u009b2J", "\"name\" of it cannot be \"??2J\""},
    {"guest.elf", "a;reboot", "\"name\" of it cannot be \"a;reboot\""},
    {"guest.elf", "a$(reboot)", "\"name\" of it cannot be"},
    {"guest.elf", "a b", "\"name\" of it cannot be"},
    {"guest.elf", "../a", "\"name\" of it cannot be"},
    {"guest.elf", "-a", "\"name\" of it cannot be"},
    {"guest.elf", "", "\"name\" of it cannot be \"\""},
    {"\"abi\":2", "\"abi\":4294967296", "guest ABI 4294967296"},
    {"\"abi\":2", "\"abi\":-2", "\"abi\" of it is negative"},
    {"\"sve\"", "\"a b\"", "member 1 of \"cpu_features\""},
    {"arm64", "\\u001b[1m\\u00e4", "unknown architecture \"?[1m??\""},
    {"\"sve\"", "1", "member 1 of \"cpu_features\""},
    {"\"sve\"", "\"a name that is longer than any\"", "member 1 of \"cpu_features\""},
    {"[\"sve\",\"sha3\"]", "{}", "\"cpu_features\" of it is no array"},
    {"\"heap_bytes\":1048576", "\"heap_bytes\":1e6", "\"heap_bytes\" of it is no whole number"},
    {"\"stack_bytes\":131072", "\"stack_bytes\":null", "\"stack_bytes\" of it is no whole number"},
    {"\"io_bytes\":65536", "\"io_bytes\":-1", "\"io_bytes\" of it is negative"},
    {"\"role\":\"state\"", "\"role\":\"stack\"", "unknown role \"stack\""},
    {"\"address\":\"0x410000\"", "\"address\":\"410000\"", "\"address\" of it is no address"},
    {"{\"role\":\"boot\"", "1,{\"role\":\"boot\"", "it has no member \"role\""},
    {"\"pc\":\"0x400010\"", "\"pc\":4194320", "\"pc\" of it is no text"},
    {"\"sp\":\"0xfffffff\"", "\"sp\":\"0x\"", "\"sp\" of it is no address"},
    {"\"tls\":\"0xffff", "\"tls\":\"0xffff0", "\"tls\" of it is no address"},
    {"\"resume\":", "\"resumed\":", "no member \"resume\""},
    {"\"generation\":3", "\"generation\":9223372036854775808", "no JSON"},
    {"\"fault_handler\":{", "\"fault_handler\":1,\"x\":{", "\"fault_handler\" of it is no object"},
    {"\"stack\":\"0x500000\"", "\"stack\":0", "\"stack\" of it is no text"},
    {"\"stack_bytes\":8192", "\"stack_bytes\":-8192", "\"stack_bytes\" of it is negative"},
    {"\"brk\":\"0x600000\"", "\"brk\":[]", "\"brk\" of it is no text"},
    {"\"random_bytes\":12", "\"random_bytes\":true", "\"random_bytes\" of it is no whole number"},
    {"[\"0x10000\",\"0x11000\"]", "[\"0x10000\"]", "mapping number 1"},
    {"[\"0x10000\",\"0x11000\"]", "[\"0x10000\",4]", "mapping number 1"},
    {"[\"0x20000\",\"0x30000\"]", "{}", "mapping number 2"},
    {"\"mappings\":[", "\"mappings\":0,\"x\":[", "\"mappings\" of it is no array"},
};

static void test_each_member_of_another_kind_is_refused(void **state)
{
    struct sconce_snapshot_config config = example(), again;
    char *text = write_example(&config);

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char *bent = replaced(text, refusals[i].from, refusals[i].to);
        struct sconce_error err = {0};
        int r = read_text(bent, &again, &err);

        if (r != SCONCE_E_SNAPSHOT || !strstr(err.text, refusals[i].says))
            fail_msg("%s for %s gave %d, \"%s\"", refusals[i].to, refusals[i].from, r, err.text);
        free(bent);
    }
    free(text);
}

/* @key's array has @what @count times. */
static void expect_too_many(const char *key, const char *what, unsigned count, const char *says)
{
    struct sconce_snapshot_config config = example(), again;
    struct sconce_error err = {0};
    char *text = write_example(&config), *many = strdup(what), *from, *to;

    for (unsigned i = 1; i < count; i++) {
        many = realloc(many, (i + 1) * (strlen(what) + 1));
        assert_non_null(many);
        memcpy(many + i * (strlen(what) + 1) - 1, ",", 1);
        memcpy(many + i * (strlen(what) + 1), what, strlen(what) + 1);
    }
    assert_true(asprintf(&from, "\"%s\":[", key) > 0);
    assert_true(asprintf(&to, "\"%s\":[%s],\"x\":[", key, many) > 0);
    free(many);
    many = replaced(text, from, to);
    assert_int_equal(read_text(many, &again, &err), SCONCE_E_SNAPSHOT);
    if (!strstr(err.text, says))
        fail_msg("%s", err.text);
    free(many);
    free(from);
    free(to);
    free(text);
}

static void test_more_members_than_there_can_be_are_refused(void **state)
{
    (void)state;
    expect_too_many("mappings", "[\"0x1\",\"0x2\"]", SCONCE_PERSONALITY_MAPPINGS + 1,
                    "4097 mappings");
    expect_too_many("regions", "{}", SCONCE_SNAPSHOT_MAX_REGIONS + 1, "25 regions");
    expect_too_many("cpu_features", "\"a\"", SCONCE_CPU_FEATURES_MOST + 1, "member 65");
}

static void refuse_to_write(const struct sconce_snapshot_config *config, const char *says)
{
    struct sconce_error err = {0};
    char *text = NULL;
    size_t bytes;

    assert_int_equal(sconce_snapshot_config_write(config, &text, &bytes, &err), SCONCE_E_SNAPSHOT);
    assert_null(text);
    if (!strstr(err.text, says))
        fail_msg("\"%s\", not \"%s\"", err.text, says);
}

static void test_what_no_reader_would_take_is_not_written(void **state)
{
    struct sconce_snapshot_config config = example();

    (void)state;
    config.parts.generation = SCONCE_SNAPSHOT_GENERATION_MOST;
    config.parts.system.random_at = SCONCE_PERSONALITY_RANDOM_MOST;
    config.guest_abi = UINT32_MAX;
    free(write_example(&config));
    config.parts.generation++;
    refuse_to_write(&config, "generation 281474976710657");
    config.parts.generation = 1ull << 63;
    refuse_to_write(&config, "generation 9223372036854775808");
    config.parts.generation = 0;
    config.parts.system.random_at++;
    refuse_to_write(&config, "281474976710657 random bytes");
    config.parts.system.random_at = 0;
    config.machine = EM_SPARC;
    refuse_to_write(&config, "ELF machine 2 has no name");
}

static void test_names_of_files_become_words_of_a_shell(void **state)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"guest.elf", "guest.elf"},
        {"/a b/c++_1.0-rc.elf", "c++_1.0-rc.elf"},
        {"a;$(reboot)", "a___reboot_"},
        {"-o", "_o"},
        {"dir/-o", "_o"},
        {"\xc3\xa4\x1b[2J", "____2J"},
        {"", "guest"},
        {"dir/", "guest"},
    };
    struct sconce_snapshot_config config = example(), again;
    char path[2 * SCONCE_GUEST_NAME_BYTES];

    (void)state;
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    sconce_guest_name_from(path, config.guest_name);
    assert_int_equal(strlen(config.guest_name), SCONCE_GUEST_NAME_BYTES - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sconce_error err = {0};
        char *text;

        sconce_guest_name_from(cases[i].path, config.guest_name);
        assert_string_equal(config.guest_name, cases[i].name);
        text = write_example(&config);
        assert_int_equal(read_text(text, &again, &err), 0);
        assert_string_equal(again.guest_name, cases[i].name);
        sconce_snapshot_config_fini(&again);
        free(text);
    }
}

static void test_date_is_the_environments_when_it_has_one(void **state)
{
    char created[SCONCE_CREATED_BYTES];

    (void)state;
    setenv("SOURCE_DATE_EPOCH", "86400", 1);
    sconce_created_now(created);
    assert_string_equal(created, "1970-01-02T00:00:00Z");
    setenv("SOURCE_DATE_EPOCH", "253402300799", 1);
    sconce_created_now(created);
    assert_string_equal(created, "9999-12-31T23:59:59Z");
    setenv("SOURCE_DATE_EPOCH", "99999999999999999999", 1); /* passed over */
    sconce_created_now(created);
    assert_int_equal(strlen(created), 20);
    unsetenv("SOURCE_DATE_EPOCH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_comes_back),
        cmocka_unit_test(test_a_guest_without_fault_handler_has_no_member_for_it),
        cmocka_unit_test(test_members_that_nobody_knows_are_passed_over),
        cmocka_unit_test(test_each_member_of_another_kind_is_refused),
        cmocka_unit_test(test_more_members_than_there_can_be_are_refused),
        cmocka_unit_test(test_what_no_reader_would_take_is_not_written),
        cmocka_unit_test(test_names_of_files_become_words_of_a_shell),
        cmocka_unit_test(test_date_is_the_environments_when_it_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
