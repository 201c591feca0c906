/* SPDX-License-Identifier: Apache-2.0 */
#include "config/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/text.h"
#include "common/trust.h"
#include "config/ini-file.h"
#include "config/object.h"

#define PLUGIN_DIR_VARIABLE "SCONCE_PLUGIN_DIR"

/* What of a file has been read: origins tell a key that stands twice in it. */
struct reading {
    struct sconce_config *config;
    const char *name;
};

static int take_section(void *ctx, const char *section, unsigned line, struct sconce_error *err)
{
    (void)ctx;
    (void)line;
    return sconce_config_check_section(section, err);
}

/* The line of "NAME:LINE", or NULL when the origin is another file, or none. */
static const char *line_in(const struct reading *reading, const char *origin)
{
    size_t length = strlen(reading->name);

    if (!origin || strncmp(origin, reading->name, length) != 0 || origin[length] != ':')
        return NULL;
    return origin + length + 1;
}

static int take_value(void *ctx, const char *section, const char *key, const char *value,
                      unsigned line, struct sconce_error *err)
{
    const struct reading *reading = ctx;
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text origin = {0};
    const char *before = line_in(reading, sconce_config_origin(reading->config, section, key));

    if (before)
        return sconce_fail_hint(err, SCONCE_E_CONFIG, "remove one of the two",
                                "\"%s\" was already set in line %s", key, before);
    sconce_text_add(&origin, "%s:%u", reading->name, line);
    if (origin.failed)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    return sconce_config_put(reading->config, section, key, value, sconce_text_get(&origin), err);
}

int sconce_config_parse(struct sconce_config *config, const char *name, const char *data,
                        size_t bytes, struct sconce_error *err)
{
    struct reading reading = {.config = config, .name = name};
    const struct sconce_ini_handler handler = {&reading, take_section, take_value};

    return sconce_ini_parse(name, data, bytes, &handler, err);
}

static int read_file(struct sconce_config *config, const char *path, struct sconce_error *err)
{
    struct reading reading = {.config = config, .name = path};
    const struct sconce_ini_handler handler = {&reading, take_section, take_value};

    return sconce_ini_read(path, &handler, NULL, err);
}

/* The system's file may be absent. With raised privileges it decides for somebody else, so nobody
 * else may be able to write it. */
static int read_system_file(struct sconce_config *config,
                            const struct sconce_config_environment *environment,
                            struct sconce_error *err)
{
    const struct sconce_trust trust = sconce_trust_self();
    struct stat st;
    int r = 0;

    if (stat(environment->system_path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (environment->secure)
        r = sconce_trust_check(&trust, environment->system_path, SCONCE_E_CONFIG, err);
    if (r < 0) {
        sconce_error_prefix(err, "cannot trust %s", environment->system_path);
        return SCONCE_E_CONFIG;
    }
    return read_file(config, environment->system_path, err);
}

static int read_files(struct sconce_config *config,
                      const struct sconce_config_environment *environment, const char *path,
                      struct sconce_error *err)
{
    const char *named = environment->config_path;

    if (path)
        return read_file(config, path, err);
    if (named && *named && !environment->secure) {
        int r = read_file(config, named, err);

        if (r < 0)
            sconce_error_prefix(err, "$SCONCE_CONFIG");
        return r;
    }
    return read_system_file(config, environment, err);
}

/* Weaker than a file that says where the plugins are, stronger than the built-in place. */
static int use_plugin_dir_variable(struct sconce_config *config,
                                   const struct sconce_config_environment *environment,
                                   struct sconce_error *err)
{
    const char *value = environment->plugin_dir;

    if (!value || !*value || environment->secure ||
        strcmp(sconce_config_origin(config, "runtime", "plugin_dir"), "default") != 0)
        return 0;
    return sconce_config_set(config, "runtime.plugin_dir", value, PLUGIN_DIR_VARIABLE, err);
}

int sconce_config_load_from(const struct sconce_config_environment *environment, const char *path,
                            struct sconce_config **ret_config, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_config_cleanup) struct sconce_config *config = NULL;
    int r = sconce_config_new(environment->secure, &config, err);

    if (r == 0)
        r = read_files(config, environment, path, err);
    if (r == 0)
        r = use_plugin_dir_variable(config, environment, err);
    if (r == 0)
        *ret_config = SCONCE_STEAL(config);
    return r;
}

int sconce_config_load(const char *path, struct sconce_config **ret_config,
                       struct sconce_error *err)
{
    const struct sconce_config_environment environment = {
        .secure = getauxval(AT_SECURE) != 0,
        .config_path = secure_getenv("SCONCE_CONFIG"),
        .plugin_dir = secure_getenv(PLUGIN_DIR_VARIABLE),
        .system_path = SCONCE_SYSCONF_DIRECTORY "/sconce/sconce.ini",
    };

    return sconce_config_load_from(&environment, path, ret_config, err);
}
