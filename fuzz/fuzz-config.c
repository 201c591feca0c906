/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary: a configuration file. Its owner is trusted, its text is not taken to be right. */
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/object.h"
#include "fuzz.h"

static int check_setting(void *ctx, const char *key, const char *value, const char *origin,
                         const char *help)
{
    FUZZ_CHECK(key && strchr(key, '.') && value && origin && help);
    ++*(unsigned *)ctx;
    return 0;
}

static int count_backend_setting(void *ctx, const char *key, const char *value, const char *origin)
{
    FUZZ_CHECK(key && value && origin);
    ++*(unsigned *)ctx;
    return 0;
}

static void check_settings(const struct sconce_config *config)
{
    const struct sconce_settings *s = sconce_config_settings(config);
    unsigned count = 0;

    FUZZ_CHECK(s->backends && s->backends[0]);
    FUZZ_CHECK(s->isolation == SCONCE_ISOLATION_VM || s->isolation == SCONCE_ISOLATION_ANY);
    FUZZ_CHECK(s->plugin_dir[0] == '/' && s->backends_dir[0] == '/' &&
               s->backends_dir_etc[0] == '/');
    FUZZ_CHECK(s->kick_signal > 0);
    FUZZ_CHECK(s->limits.heap_bytes && s->limits.stack_bytes && s->limits.io_bytes &&
               s->limits.deadline_ns && s->image_bytes);
    FUZZ_CHECK(sconce_config_each(config, check_setting, &count) == 0 && count > 0);
    sconce_config_backend_each(config, "stub", count_backend_setting, &count);
}

/* The whole of it again, from a copy: a copy has the same settings. */
static void check_copy(const struct sconce_config *config)
{
    struct sconce_config *copy = sconce_config_copy(config);

    FUZZ_CHECK(copy);
    check_settings(copy);
    FUZZ_CHECK(sconce_config_settings(copy)->limits.heap_bytes ==
               sconce_config_settings(config)->limits.heap_bytes);
    sconce_config_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct sconce_config *config = NULL;
    struct sconce_error err = {0};
    int r;

    FUZZ_CHECK(sconce_config_new((bytes & 1) != 0, &config, &err) == 0);
    r = sconce_config_parse(config, "fuzz.ini", (const char *)data, bytes, &err);
    if (r != 0) {
        fuzz_check_error(r, &err);
        FUZZ_CHECK(strncmp(err.text, "fuzz.ini", 8) == 0);
    } else {
        check_settings(config);
        check_copy(config);
    }
    sconce_config_free(config);
    return 0;
}
