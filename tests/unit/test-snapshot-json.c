/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/json.c: what is deep, large, doubled or of another type is an error that names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "snapshot/json.h"

static int parse(const char *text, json_t **ret_json, struct sconce_error *err)
{
    return sconce_json_parse(text, strlen(text), "it", ret_json, err);
}

static void test_json_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no JSON"},
        {"{", "no JSON"},
        {"{} {}", "no JSON"},
        {"{\"a\":1,\"a\":2}", "no JSON"},
        {"{\"a\":\"\\u0000\"}", "no JSON"},
        {"{\"a\":\"\xff\"}", "no JSON"},
        {"{\"a\":99999999999999999999}", "no JSON"},
        {"[]", "no object"},
        {"{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", "more than 16 deep"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sconce_error err = {0};
        json_t *json = NULL;

        assert_int_equal(parse(cases[i].text, &json, &err), SCONCE_E_SNAPSHOT);
        if (!strstr(err.text, cases[i].says) || json)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

static void test_json_of_more_than_a_mebibyte_is_refused(void **state)
{
    char *text = malloc(SCONCE_JSON_BYTES_MOST + 1);
    struct sconce_error err = {0};
    json_t *json;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', SCONCE_JSON_BYTES_MOST + 1);
    memcpy(text, "{}", 2);
    assert_int_equal(sconce_json_parse(text, SCONCE_JSON_BYTES_MOST, "it", &json, &err), 0);
    json_decref(json);
    assert_int_equal(sconce_json_parse(text, SCONCE_JSON_BYTES_MOST + 1, "it", &json, &err),
                     SCONCE_E_SNAPSHOT);
    free(text);
}

static void test_brackets_in_texts_are_not_deep(void **state)
{
    struct sconce_error err = {0};
    json_t *json;

    (void)state;
    assert_int_equal(parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[\"}", &json, &err), 0);
    json_decref(json);
}

static void test_members_have_their_types(void **state)
{
    struct sconce_error err = {0};
    const char *text = NULL;
    uint64_t number = 0;
    json_t *json, *member;

    (void)state;
    assert_int_equal(
        parse("{\"t\":\"x\",\"n\":-1,\"o\":{},\"a\":[],\"f\":1.5,\"p\":5}", &json, &err), 0);
    assert_int_equal(sconce_json_text(json, "t", "it", &text, &err), 0);
    assert_string_equal(text, "x");
    assert_int_equal(sconce_json_count(json, "p", "it", &number, &err), 0);
    assert_int_equal(number, 5);
    assert_int_equal(sconce_json_object(json, "o", "it", &member, &err), 0);
    assert_int_equal(sconce_json_array(json, "a", "it", &member, &err), 0);

    assert_int_equal(sconce_json_text(json, "p", "it", &text, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "member \"p\" of it is no text");
    assert_int_equal(sconce_json_count(json, "n", "it", &number, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "member \"n\" of it is negative");
    assert_int_equal(sconce_json_count(json, "f", "it", &number, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_json_object(json, "a", "it", &member, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_json_array(json, "o", "it", &member, &err), SCONCE_E_SNAPSHOT);
    assert_int_equal(sconce_json_array(json, "none", "it", &member, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "it has no member \"none\"");
    json_decref(json);
}

static void test_addresses_come_back(void **state)
{
    static const uint64_t addresses[] = {0, 1, 0xfff000000ull, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        json_t *json = sconce_json_from_address(addresses[i]);
        uint64_t address;

        assert_true(sconce_json_parse_address(json, &address));
        assert_true(address == addresses[i]);
        json_decref(json);
    }
}

static void test_texts_that_are_no_addresses_are_refused(void **state)
{
    static const char *const texts[] = {"",    "0x",   "1",    "0X1",  "0xA",
                                        "0xg", "0x-1", " 0x1", "0x1 ", "0x10000000000000000"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *json = json_pack("{s:s}", "a", texts[i]);
        struct sconce_error err = {0};
        uint64_t address;

        assert_int_equal(sconce_json_address(json, "a", "it", &address, &err), SCONCE_E_SNAPSHOT);
        assert_non_null(strstr(err.text, "no address"));
        json_decref(json);
    }
    assert_false(sconce_json_parse_address(NULL, NULL));
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_descriptors_come_back(void **state)
{
    const struct sconce_descriptor blob = {.hex = HEX, .bytes = 1ull << 40};
    json_t *json = sconce_json_from_descriptor(&blob, "a/b");
    struct sconce_descriptor again;
    struct sconce_error err = {0};

    (void)state;
    assert_int_equal(sconce_json_descriptor(json, "a/b", "it", &again, &err), 0);
    assert_string_equal(again.hex, HEX);
    assert_true(again.bytes == blob.bytes);
    assert_int_equal(sconce_json_descriptor(json, "a/c", "it", &again, &err), SCONCE_E_SNAPSHOT);
    assert_string_equal(err.text, "it has the media type \"a/b\", where a/c is to be");
    json_decref(json);
}

static void test_a_hostile_media_type_is_shown_in_plain_characters(void **state)
{
    char type[400] = "\x1b[31m\xc2\x9b";
    json_t *json;
    struct sconce_descriptor blob;
    struct sconce_error err = {0};

    (void)state;
    memset(type + strlen(type), 'x', sizeof type - strlen(type) - 1);
    json = json_pack("{s:s,s:s,s:i}", "mediaType", type, "digest", "sha256:" HEX, "size", 1);
    assert_int_equal(sconce_json_descriptor(json, "a/b", "it", &blob, &err), SCONCE_E_SNAPSHOT);
    assert_non_null(strstr(err.text, "\"?[31m??xxx"));
    assert_non_null(strstr(err.text, "x\", where a/b is to be"));
    assert_true(strlen(err.text) < 200);
    json_decref(json);
}

/* What would be a path to elsewhere is none. */
static void test_digests_are_names_of_files(void **state)
{
    static const char *const digests[] = {
        "",
        HEX,
        "sha512:" HEX,
        "sha256:" HEX "0",
        "sha256:",
        "sha256:../../../../../../../../../../../../../../../../../../etc/passwd0",
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
    };

    (void)state;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        json_t *json =
            json_pack("{s:s,s:s,s:i}", "mediaType", "a/b", "digest", digests[i], "size", 1);
        struct sconce_descriptor blob;
        struct sconce_error err = {0};

        assert_int_equal(sconce_json_descriptor(json, "a/b", "it", &blob, &err), SCONCE_E_SNAPSHOT);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_that_is_none_is_refused),
        cmocka_unit_test(test_json_of_more_than_a_mebibyte_is_refused),
        cmocka_unit_test(test_brackets_in_texts_are_not_deep),
        cmocka_unit_test(test_members_have_their_types),
        cmocka_unit_test(test_addresses_come_back),
        cmocka_unit_test(test_texts_that_are_no_addresses_are_refused),
        cmocka_unit_test(test_descriptors_come_back),
        cmocka_unit_test(test_a_hostile_media_type_is_shown_in_plain_characters),
        cmocka_unit_test(test_digests_are_names_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
