/* SPDX-License-Identifier: Apache-2.0 */
/* What an attacker's directory of snapshots is listed as. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "scratch.h"

static struct sconce_runtime *runtime;

static int count(void *ctx, const struct sconce_snapshot_info *info)
{
    unsigned *good_and_bad = ctx;

    good_and_bad[info->problem[0] != '\0']++;
    assert_string_equal(info->tag, "t");
    return 0;
}

static void test_listing_tells_what_is_wrong(void **state)
{
    const char *dir = layout_save(runtime, scratch_path(*state, "counter"), "counter");
    struct layout layout = layout_look(dir);
    unsigned good_and_bad[2] = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_snapshot_each(dir, count, good_and_bad, &err), &err);
    layout_edit(&layout, layout.config, "\"format\":1", "\"format\":9");
    e2e_ok(sconce_snapshot_each(dir, count, good_and_bad, &err), &err);
    assert_int_equal(good_and_bad[0], 1);
    assert_int_equal(good_and_bad[1], 1);
}

struct seen {
    unsigned entries, problems, tags;
};

static int look(void *ctx, const struct sconce_snapshot_info *info)
{
    struct seen *seen = ctx;

    seen->entries++;
    seen->tags += info->tag[0] != '\0';
    if (!info->problem[0])
        return 0;
    seen->problems++;
    assert_string_equal(info->tag, "");
    assert_non_null(strstr(info->problem, "\"a??[31mok\" is no tag"));
    assert_int_equal(strlen(info->digest), strlen("sha256:") + 64);
    return 0;
}

/* A text with newlines would forge rows of a list. */
static void test_a_tag_that_is_none_is_a_problem_without_a_tag(void **state)
{
    const char *dir = layout_save(runtime, scratch_path(*state, "counter"), "counter");
    const struct layout layout = layout_look(dir);
    struct seen seen = {0};
    struct sconce_error err = {0};
    char *index;

    assert_true(asprintf(&index,
                         "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                         "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:%s\","
                         "\"size\":1,\"annotations\":{\"org.opencontainers.image.ref.name\":"
                         "\"a\\n\\u001b[31mok\"}}]}",
                         layout.manifest) > 0);
    layout_write(scratch_path(dir, "index.json"), index, strlen(index));
    free(index);
    e2e_ok(sconce_snapshot_each(dir, look, &seen, &err), &err);
    assert_int_equal(seen.entries, 1);
    assert_int_equal(seen.problems, 1);
    assert_int_equal(seen.tags, 0);
}

int main(void)
{
#define INDEX_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_listing_tells_what_is_wrong),
        INDEX_TEST(test_a_tag_that_is_none_is_a_problem_without_a_tag),
    };
    int r;

    e2e_require_backend();
    runtime = e2e_runtime();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    sconce_runtime_free(runtime);
    return r;
}
