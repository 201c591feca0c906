/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/manifest.c and index.c: which blobs a tag leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "snapshot/manifest.h"

#define HEX(digit)                                                                                 \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit
#define DIGEST(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit)

static const struct sconce_manifest example = {
    .config = {DIGEST("1"), 10}, .guest = {DIGEST("2"), 20}, .memory = {DIGEST("3"), 30}};

static char *write_example(void)
{
    char *text;
    size_t bytes;

    assert_int_equal(sconce_manifest_write(&example, "2026-11-27T12:00:00Z", &text, &bytes, NULL),
                     0);
    assert_int_equal(bytes, strlen(text));
    return text;
}

static void test_manifest_comes_back(void **state)
{
    struct sconce_manifest again;
    char *text = write_example();

    (void)state;
    assert_int_equal(sconce_manifest_parse(text, strlen(text), "it", &again, NULL), 0);
    assert_string_equal(again.config.hex, example.config.hex);
    assert_string_equal(again.guest.hex, example.guest.hex);
    assert_string_equal(again.memory.hex, example.memory.hex);
    assert_int_equal(again.memory.bytes, 30);
    free(text);
}

/* The same length, so that it can be put in place. */
static void test_manifests_of_other_kinds_are_refused(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"schemaVersion\":2", "schemaVersion\":1", "schemaVersion"},
        {"oci.image.manifest.v1", "oci.image.manifest.v9", "\"mediaType\" of it is"},
        {"\"mediaType\"", "\"mediaTyqe\"", "no member \"mediaType\""},
        {"vnd.sconce.snapshot.v1", "vnd.abcdef.snapshot.v1", "\"artifactType\" of it is"},
        {"\"artifactType\"", "\"artifactTyqe\"", "no member \"artifactType\""},
        {"\"config\"", "\"konfig\"", "no member \"config\""},
        {"\"layers\"", "\"lagers\"", "no member \"layers\""},
        {"vnd.sconce.snapshot.config.v1", "vnd.sconce.snapshot.config.v9", "media type"},
        {"vnd.sconce.guest.v1", "vnd.sconce.guest.v9", "media type"},
        {"vnd.sconce.memory.v1", "vnd.sconce.memory.v9", "media type"},
        {"sha256:2", "sha512:2", "no sha256"},
        {"\"size\":20", "\"size\":-2", "negative"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sconce_manifest manifest;
        struct sconce_error err = {0};
        char *text = write_example();
        char *at = strstr(text, cases[i].from);

        assert_non_null(at);
        memcpy(at, cases[i].to, strlen(cases[i].to));
        assert_int_equal(sconce_manifest_parse(text, strlen(text), "it", &manifest, &err),
                         SCONCE_E_SNAPSHOT);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].to, err.text);
        free(text);
    }
}

static void test_manifests_with_other_layers_are_refused(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" SCONCE_TYPE_MANIFEST
        "\",\"artifactType\":\"" SCONCE_TYPE_SNAPSHOT "\",\"config\":{\"mediaType\":\""
        "application/vnd.sconce.snapshot.config.v1+json\",\"digest\":"
        "\"sha256:" DIGEST("1") "\",\"size\":1},\"layers\":[1]}";
    struct sconce_manifest manifest;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_manifest_parse(text, strlen(text), "it", &manifest, &err),
                     SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "it has 1 layers; a snapshot has two, guest and memory");
}

static void test_index_keeps_what_it_does_not_know(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"x\":5,\"manifests\":[{\"mediaType\":\"other\"}]}";
    struct sconce_descriptor found;
    struct sconce_error err = {0};
    json_t *index;

    (void)state;
    assert_int_equal(sconce_index_parse(text, strlen(text), "it", &index, &err), 0);
    assert_int_equal(sconce_index_set(index, "a", &example.config, &err), 0);
    assert_int_equal(sconce_index_set(index, "b", &example.guest, &err), 0);
    assert_int_equal(sconce_index_set(index, "a", &example.memory, &err), 0);
    assert_int_equal(sconce_index_count(index), 3);
    assert_null(sconce_index_tag(index, 0));
    assert_int_equal(sconce_index_entry(index, 0, "it", &found, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(json_integer_value(json_object_get(index, "x")), 5);
    assert_int_equal(sconce_index_find(index, "a", "it", &found, &err), 0);
    assert_string_equal(found.hex, example.memory.hex);
    assert_int_equal(sconce_index_find(index, "b", "it", &found, &err), 0);
    assert_string_equal(found.hex, example.guest.hex);
    assert_int_equal(sconce_index_find(index, "c", "it", &found, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "it has no tag c");
    json_decref(index);
}

static void test_a_tag_that_is_there_twice_is_refused(void **state)
{
    json_t *index = sconce_index_empty();
    struct sconce_descriptor found;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_index_set(index, "a", &example.config, &err), 0);
    json_array_append(json_object_get(index, "manifests"),
                      json_array_get(json_object_get(index, "manifests"), 0));
    assert_int_equal(sconce_index_find(index, "a", "it", &found, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "it has the tag a twice");
    json_decref(index);
}

static void test_tags_are_those_of_registries(void **state)
{
    static const char *const good[] = {"a", "_", "v1.0-rc_1", "latest"};
    static const char *const bad[] = {"", ".a", "-a", "a:b", "a/b", "a b", "\xc3\xa4", "a\n"};
    char text[SCONCE_TAG_BYTES_MOST + 2];
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_tag_check("a\n\x1b[31m\xc3\xa4", &err), SCONCE_E_INVALID);
    assert_string_equal(err.text, "\"a??[31m??\" is no tag");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(sconce_tag_check(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sconce_tag_check(bad[i], NULL), SCONCE_E_INVALID);
    memset(text, 'a', sizeof text);
    text[SCONCE_TAG_BYTES_MOST] = '\0';
    assert_int_equal(sconce_tag_check(text, NULL), 0);
    text[SCONCE_TAG_BYTES_MOST] = 'a';
    text[SCONCE_TAG_BYTES_MOST + 1] = '\0';
    assert_int_equal(sconce_tag_check(text, NULL), SCONCE_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_comes_back),
        cmocka_unit_test(test_manifests_of_other_kinds_are_refused),
        cmocka_unit_test(test_manifests_with_other_layers_are_refused),
        cmocka_unit_test(test_index_keeps_what_it_does_not_know),
        cmocka_unit_test(test_a_tag_that_is_there_twice_is_refused),
        cmocka_unit_test(test_tags_are_those_of_registries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
