/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/ and core/ up to a selected backend when memory runs out: every allocation fails once.
 * What is not freed then, AddressSanitizer's leak check finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"
#include "config/load.h"
#include "tests/plugins/select.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__real_reallocarray(void *block, size_t count, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void *__wrap_reallocarray(void *block, size_t count, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);

static long until_failure = -1; /* allocations that still succeed; negative: all, from now on */

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
    return fails() ? NULL : __real_realloc(block, bytes);
}

void *__wrap_reallocarray(void *block, size_t count, size_t bytes)
{
    return fails() ? NULL : __real_reallocarray(block, count, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    return fails() ? NULL : __real_strndup(text, bytes);
}

/* Calls @fn with its n-th allocation failing, for every n that there is. It may succeed all the
 * same when only a hint was lost. Returns how often it failed. */
static long fail_each(int (*fn)(struct stage *stage), struct stage *stage)
{
    long n, failures = 0;
    bool reached = true;

    for (n = 0; reached; n++) {
        int r;

        memset(&stage->err, 0, sizeof stage->err);
        until_failure = n;
        r = fn(stage);
        reached = until_failure < 0;
        until_failure = -1;
        if (r == 0)
            continue;
        assert_true(reached);
        assert_int_equal(r, SCONCE_E_NO_MEMORY);
        assert_int_equal(stage->err.code, SCONCE_E_NO_MEMORY);
        assert_non_null(strstr(stage->err.text, "out of memory"));
        failures++;
    }
    return failures;
}

static int load_and_copy(struct stage *stage)
{
    const struct sconce_config_environment environment = {.plugin_dir = "/p/q"};
    struct sconce_config *config = NULL;
    struct sconce_config *copy;
    int r = sconce_config_load_from(&environment, scratch_path(stage->root, "s.ini"), &config,
                                    &stage->err);

    if (r < 0) {
        assert_null(config);
        return r;
    }
    copy = sconce_config_copy(config);
    if (copy)
        assert_string_equal(sconce_config_settings(copy)->plugin_dir, "/p/q");
    else
        r = sconce_fail(&stage->err, SCONCE_E_NO_MEMORY, "out of memory"); /* it has no err */
    sconce_config_free(copy);
    sconce_config_free(config);
    return r;
}

static void test_config_without_memory_fails_cleanly(void **state)
{
    struct stage *stage = *state;

    scratch_file(stage->root, "s.ini",
                 "[runtime]\nbackend = a, b\n[limits]\ntraps = 1\n"
                 "[backend.x]\nk = v\nl = w\n");

    assert_true(fail_each(load_and_copy, stage) > 50);
}

static int set_again(struct stage *stage)
{
    return sconce_config_set(stage->config, "backend.x.k", "v", "o", &stage->err);
}

static void test_config_set_without_memory_changes_nothing(void **state)
{
    struct stage *stage = *state;

    stage_set(stage, "backend.x.k", "old");
    until_failure = 2;
    assert_int_equal(set_again(stage), SCONCE_E_NO_MEMORY);
    until_failure = -1;
    assert_string_equal(sconce_config_origin(stage->config, "backend.x", "k"), "test");

    assert_true(fail_each(set_again, stage) >= 5);
    assert_string_equal(sconce_config_origin(stage->config, "backend.x", "k"), "o");
}

static int select_one(struct stage *stage)
{
    const struct sconce_log silent = {0};
    struct sconce_registry *registry = NULL;
    struct sconce_backend *backend = NULL;
    char *refusals = NULL;
    int r = sconce_registry_new(stage->config, &silent, &registry, &stage->err);

    if (r == 0)
        r = sconce_registry_select(registry, X86, &backend, &refusals, &stage->err);
    if (r == 0)
        assert_string_equal(backend->name, "vm-x86");
    else
        assert_null(refusals);
    free(refusals);
    sconce_registry_free(registry);
    return r;
}

static void test_select_without_memory_fails_cleanly(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    stage_install(stage, "vm-arm");
    stage_install(stage, "probe-fails");
    add_entry(stage, "backends.d", "05-gone.ini", "gone");
    add_entry(stage, "etc.d", "06-probe-fails.ini", "probe-fails");
    add_entry(stage, "backends.d", "10-vm-arm.ini", "vm-arm");
    add_entry(stage, "backends.d", "20-vm-x86.ini", "vm-x86");
    stage_set(stage, "backend.vm-x86.label", "l");

    assert_true(fail_each(select_one, stage) > 40);
}

static int tell_nothing(void *ctx, const struct sconce_backend_info *info)
{
    (void)ctx;
    (void)info;
    return 0;
}

static int list(struct stage *stage)
{
    const struct sconce_log silent = {0};
    struct sconce_registry *registry = NULL;
    int r = sconce_registry_new(stage->config, &silent, &registry, &stage->err);

    if (r == 0)
        r = sconce_registry_each(registry, tell_nothing, NULL, &stage->err);
    sconce_registry_free(registry);
    return r;
}

static void test_each_without_memory_fails_cleanly(void **state)
{
    struct stage *stage = *state;

    stage_install(stage, "vm-x86");
    add_entry(stage, "backends.d", "20-vm-x86.ini", "vm-x86");

    assert_true(fail_each(list, stage) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_config_without_memory_fails_cleanly),
        STAGE_TEST(test_config_set_without_memory_changes_nothing),
        STAGE_TEST(test_select_without_memory_fails_cleanly),
        STAGE_TEST(test_each_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
