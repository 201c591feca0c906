/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An installation of one test's own: plugins/, backends.d/ and etc.d/ below a scratch directory, a
 * configuration that points there, and a log that is kept. Plugins are copied in from the build, so
 * each test loads files of its own. $TMPDIR is usually one that others can write, so untrusted
 * plugins are allowed unless a test says otherwise. Include after <cmocka.h>.
 */
#ifndef SCONCE_TESTS_PLUGINS_STAGE_H
#define SCONCE_TESTS_PLUGINS_STAGE_H

#include "config/object.h"
#include "core/log.h"
#include "core/registry.h"
#include "tests/unit/scratch.h"

struct stage {
    char *root;
    struct sconce_config *config;
    struct sconce_log log;
    char logged[16384]; /* "key: text" lines */
    struct sconce_error err;
};

static inline void stage_log(void *ctx, uint32_t level, const char *key, const char *text)
{
    struct stage *stage = ctx;
    size_t used = strlen(stage->logged);

    (void)level;
    snprintf(stage->logged + used, sizeof stage->logged - used, "%s: %s\n", key, text);
}

static inline void stage_set(struct stage *stage, const char *key, const char *value)
{
    if (sconce_config_set(stage->config, key, value, "test", &stage->err) < 0)
        fail_msg("%s", stage->err.text);
}

static inline int stage_setup(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    void *root = NULL;

    if (!stage || scratch_setup(&root) < 0 ||
        sconce_config_new(false, &stage->config, &stage->err) < 0)
        return -1;
    *state = stage;
    stage->root = root;
    stage->log = (struct sconce_log){stage_log, stage, SCONCE_LOG_DEBUG};
    scratch_dir(root, "plugins");
    scratch_dir(root, "backends.d");
    scratch_dir(root, "etc.d");
    stage_set(stage, "runtime.plugin_dir", scratch_path(root, "plugins"));
    stage_set(stage, "runtime.backends_dir_etc", scratch_path(root, "etc.d"));
    stage_set(stage, "runtime.allow_untrusted_plugins", "yes");
    return 0;
}

static inline int stage_teardown(void **state)
{
    struct stage *stage = *state;
    void *root = stage->root;
    int r;

    sconce_config_free(stage->config);
    free(stage);
    r = scratch_teardown(&root);
    return r;
}

/* The file that the build made for @name; at most @room bytes; returns how many. */
static inline size_t stage_built(const char *name, char *data, size_t room)
{
    char path[PATH_MAX];
    size_t used = 0;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "%s/sconce-backend-%s.so", getenv("SCONCE_TEST_PLUGINS"), name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("cannot open %s", path);
    while ((got = read(fd, data + used, room - used)) > 0)
        used += (size_t)got;
    assert_int_equal(got, 0);
    assert_true(used < room);
    close(fd);
    return used;
}

/* ROOT/plugins/sconce-backend-NAME.so; valid as scratch_path says. */
static inline const char *stage_plugin(const struct stage *stage, const char *name)
{
    char file[128];

    snprintf(file, sizeof file, "plugins/sconce-backend-%s.so", name);
    return scratch_path(stage->root, file);
}

/* Installs what was built as @built under the name @name, by renaming a new file over what is
 * there. */
static inline void stage_install_as(const struct stage *stage, const char *built, const char *name)
{
    static char data[4 << 20];
    size_t bytes = stage_built(built, data, sizeof data);

    scratch_bytes(stage->root, "plugins/new", data, bytes);
    assert_int_equal(rename(scratch_path(stage->root, "plugins/new"), stage_plugin(stage, name)),
                     0);
}

static inline void stage_install(const struct stage *stage, const char *name)
{
    stage_install_as(stage, name, name);
}

#define STAGE_TEST(t) cmocka_unit_test_setup_teardown(t, stage_setup, stage_teardown)

#endif
