/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/plugin-load.c over time: one file is entered once however many runtimes use it; a file
 * renamed over it is another plugin, while those who use the old one go on with the old code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plugin-probe.h"
#include "tests/plugins/stage.h"

/* What a runtime does: loads "good" from the stage's directory and probes it. */
struct user {
    struct sconce_log log;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;
};

static int try_use(struct stage *stage, struct user *user)
{
    struct sconce_plugin_found found;
    int r;

    *user = (struct user){.log = stage->log};
    memset(&stage->err, 0, sizeof stage->err);
    r = sconce_plugin_find(sconce_config_settings(stage->config)->plugin_dir, "good", true, &found,
                           &stage->err);
    if (r == 0)
        r = sconce_plugin_load(&found, &user->log, &user->file, &stage->err);
    return r;
}

static void use(struct stage *stage, struct user *user)
{
    if (try_use(stage, user) < 0 ||
        sconce_plugin_probe(user->file, stage->config, &user->log, &user->backend, &stage->err) < 0)
        fail_msg("%s", stage->err.text);
}

static void leave(struct user *user)
{
    sconce_plugin_put(user->file, &user->log);
}

/* What the code that a user holds says of itself now. */
static const char *ask(const struct user *user)
{
    static struct sconce_probe probe;
    struct sconce_plugin_error error = {.size = sizeof error};

    probe = (struct sconce_probe){.size = sizeof probe};
    assert_int_equal(user->backend->ops.probe(&probe, &error), SCONCE_PLUGIN_OK);
    return probe.description;
}

#define SAYS(user, text) assert_memory_equal(ask(user), text, strlen(text))

static void test_reload_same_file_is_entered_once(void **state)
{
    struct stage *stage = *state;
    struct user a, b;

    stage_install(stage, "good");
    use(stage, &a);
    use(stage, &b);

    assert_ptr_equal(a.file, b.file);
    assert_ptr_equal(a.backend, b.backend);
    SAYS(&b, "version 1, entered 1,");
    leave(&a);
    leave(&b);
}

static void test_reload_after_everybody_left_is_entered_once(void **state)
{
    struct stage *stage = *state;
    struct user a, b;

    stage_install(stage, "good");
    use(stage, &a);
    leave(&a);
    use(stage, &b);

    SAYS(&b, "version 1, entered 1,");
    leave(&b);
}

static void test_reload_mode_and_links_do_not_matter(void **state)
{
    struct stage *stage = *state;
    struct user a, b;

    stage_install(stage, "good");
    use(stage, &a);
    assert_int_equal(chmod(stage_plugin(stage, "good"), 0755), 0);
    assert_int_equal(link(stage_plugin(stage, "good"), scratch_path(stage->root, "other")), 0);
    use(stage, &b);

    assert_ptr_equal(a.file, b.file);
    leave(&a);
    leave(&b);
}

static void test_reload_same_file_by_another_path_is_entered_once(void **state)
{
    struct stage *stage = *state;
    struct user a, b;

    stage_install(stage, "good");
    use(stage, &a);
    scratch_link(stage->root, "link", "plugins");
    stage_set(stage, "runtime.plugin_dir", scratch_path(stage->root, "link"));
    use(stage, &b);

    assert_ptr_equal(a.file, b.file);
    leave(&a);
    leave(&b);
}

static void test_reload_renamed_over_old_keeps_old_and_new_gets_new(void **state)
{
    struct stage *stage = *state;
    struct user old, new;

    stage_install(stage, "good");
    use(stage, &old);
    SAYS(&old, "version 1, entered 1,");

    stage_install_as(stage, "good-next", "good");
    use(stage, &new);

    SAYS(&new, "version 2, entered 1,");
    SAYS(&old, "version 1, entered 1,");
    assert_string_equal(new.backend->version, "2");
    assert_string_equal(old.backend->version, "1");
    assert_string_equal(new.backend->path, stage_plugin(stage, "good"));
    leave(&old);
    SAYS(&new, "version 2, entered 1,");
    leave(&new);
}

static void test_reload_renamed_over_many_times_each_is_its_own(void **state)
{
    struct stage *stage = *state;
    struct user users[6];
    char expected[64];
    size_t i;

    for (i = 0; i < 6; i++) {
        stage_install_as(stage, i % 2 ? "good-next" : "good", "good");
        use(stage, &users[i]);
    }

    for (i = 0; i < 6; i++) {
        snprintf(expected, sizeof expected, "version %d, entered 1,", i % 2 ? 2 : 1);
        SAYS(&users[i], expected);
        leave(&users[i]);
    }
}

static void test_reload_refused_plugin_that_was_replaced_is_used(void **state)
{
    struct stage *stage = *state;
    struct user user;

    stage_install_as(stage, "no-entry", "good");
    assert_int_equal(try_use(stage, &user), SCONCE_E_NO_BACKEND);
    stage_install_as(stage, "bad-magic", "good");
    assert_int_equal(try_use(stage, &user), SCONCE_E_NO_BACKEND);
    stage_install(stage, "good");
    use(stage, &user);

    SAYS(&user, "version 1, entered 1,");
    leave(&user);
}

static void test_reload_changed_in_place_is_refused(void **state)
{
    struct stage *stage = *state;
    struct user old, new;
    char expected[1024];
    int fd;

    stage_install(stage, "good");
    use(stage, &old);
    /* One byte behind the end: what is mapped stays intact. */
    fd = open(stage_plugin(stage, "good"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);

    assert_int_equal(try_use(stage, &new), SCONCE_E_NO_BACKEND);
    snprintf(expected, sizeof expected,
             "cannot load %s: it was changed in place while this process uses it",
             stage_plugin(stage, "good"));
    assert_string_equal(stage->err.text, expected);
    assert_string_equal(stage->err.hint, "install a new version by renaming it over the old one");
    leave(&old);
}

static void test_reload_release_comes_with_the_last_user(void **state)
{
    struct stage *stage = *state;
    struct user a, b;

    stage_install(stage, "good");
    use(stage, &a);
    use(stage, &b);
    leave(&a);
    assert_non_null(strstr(ask(&b), "released 0,"));
    leave(&b);
    assert_non_null(strstr(ask(&b), "released 1,"));

    use(stage, &a);
    leave(&a);
    assert_non_null(strstr(ask(&a), "released 2,"));
}

static void count_line(void *ctx, uint32_t level, const char *key, const char *text)
{
    (void)level;
    (void)key;
    (void)text;
    ++*(int *)ctx;
}

static void test_reload_log_lines_go_to_those_who_use_the_plugin_now(void **state)
{
    struct stage *stage = *state;
    int a_lines = 0, b_lines = 0;
    struct user a, b;

    stage_install(stage, "good");
    stage->log = (struct sconce_log){count_line, &a_lines, SCONCE_LOG_INFO};
    use(stage, &a);
    stage->log = (struct sconce_log){count_line, &b_lines, SCONCE_LOG_INFO};
    use(stage, &b);
    a_lines = b_lines = 0;
    ask(&a);
    assert_int_equal(a_lines, 1);
    assert_int_equal(b_lines, 1);

    leave(&a);
    ask(&b);
    assert_int_equal(a_lines, 1);
    assert_int_equal(b_lines, 2);
    leave(&b);
    ask(&b);
    assert_int_equal(b_lines, 2);
}

static void test_reload_shared_sink_gets_a_line_once(void **state)
{
    struct stage *stage = *state;
    int lines = 0;
    struct user quiet, a, b;

    stage_install(stage, "good");
    stage->log = (struct sconce_log){count_line, &lines, SCONCE_LOG_ERROR};
    use(stage, &quiet);
    stage->log.level = SCONCE_LOG_INFO;
    use(stage, &a);
    use(stage, &b);
    lines = 0;
    ask(&a);

    assert_int_equal(lines, 1);
    leave(&quiet);
    leave(&a);
    leave(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_reload_same_file_is_entered_once),
        STAGE_TEST(test_reload_after_everybody_left_is_entered_once),
        STAGE_TEST(test_reload_mode_and_links_do_not_matter),
        STAGE_TEST(test_reload_same_file_by_another_path_is_entered_once),
        STAGE_TEST(test_reload_renamed_over_old_keeps_old_and_new_gets_new),
        STAGE_TEST(test_reload_renamed_over_many_times_each_is_its_own),
        STAGE_TEST(test_reload_refused_plugin_that_was_replaced_is_used),
        STAGE_TEST(test_reload_changed_in_place_is_refused),
        STAGE_TEST(test_reload_release_comes_with_the_last_user),
        STAGE_TEST(test_reload_log_lines_go_to_those_who_use_the_plugin_now),
        STAGE_TEST(test_reload_shared_sink_gets_a_line_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
