/* SPDX-License-Identifier: Apache-2.0 */
/* Selections on a stage, for the tests of the registry. Include after <cmocka.h>. */
#ifndef SCONCE_TESTS_PLUGINS_SELECT_H
#define SCONCE_TESTS_PLUGINS_SELECT_H

#include "tests/plugins/stage.h"

#define X86 62u
#define ARM 183u

/* backends.d/FILE for backend @name. */
static inline void add_entry(const struct stage *stage, const char *dir, const char *file,
                             const char *name)
{
    char path[128], text[256];

    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(text, sizeof text, "[backend]\nname = %s\npackage = sconce-backend-%s\n", name, name);
    scratch_file(stage->root, path, text);
}

/* One selection by a runtime of its own. */
struct selected {
    struct sconce_registry *registry;
    struct sconce_backend *backend;
    char *refusals;
};

static inline int select_for(struct stage *stage, uint32_t machine, struct selected *selected)
{
    *selected = (struct selected){0};
    memset(&stage->err, 0, sizeof stage->err);
    assert_int_equal(
        sconce_registry_new(stage->config, &stage->log, &selected->registry, &stage->err), 0);
    return sconce_registry_select(selected->registry, machine, &selected->backend,
                                  &selected->refusals, &stage->err);
}

static inline void drop(struct selected *selected)
{
    free(selected->refusals);
    sconce_registry_free(selected->registry);
}

static inline void expect_backend(struct stage *stage, uint32_t machine, const char *name,
                                  const char *refusals)
{
    struct selected s;

    if (select_for(stage, machine, &s) < 0)
        fail_msg("%s", stage->err.text);
    assert_string_equal(s.backend->name, name);
    assert_string_equal(s.refusals, refusals);
    drop(&s);
}

static inline void expect_failure(struct stage *stage, uint32_t machine, const char *text,
                                  const char *hint)
{
    struct selected s;

    assert_int_equal(select_for(stage, machine, &s), SCONCE_E_NO_BACKEND);
    assert_string_equal(stage->err.text, text);
    assert_string_equal(stage->err.hint, hint);
    assert_null(s.backend);
    drop(&s);
}

/* A text with the path of backend @name's file for %s. */
static inline const char *with_path(const struct stage *stage, const char *format, const char *name)
{
    static char text[2048];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, stage_plugin(stage, name));
#pragma GCC diagnostic pop
    return text;
}

#endif
