/* SPDX-License-Identifier: Apache-2.0 */
/* struct sconce_config: defaults, changes, listing, copying. A change that fails changes nothing.
 */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/parse.h"
#include "common/text.h"
#include "config/object.h"

#define BACKEND_PREFIX "backend."

/* A backend's settings are held in memory for the runtime's life. */
#define BACKEND_ITEMS_MAX 1024u

static int no_memory(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

/* ---- Known keys ------------------------------------------------------------------------------ */

static int set_item(struct sconce_config *config, size_t i, const char *text, const char *origin,
                    struct sconce_error *err)
{
    struct sconce_config_item *item = &config->items[i];
    struct sconce_config_item fresh = {0};
    int r = sconce_value_parse(&sconce_keys[i], text, &fresh.value, err);

    if (r < 0)
        return r;
    fresh.origin = strdup(origin);
    if (!fresh.origin) {
        sconce_value_free(&fresh.value);
        return no_memory(err);
    }
    sconce_value_free(&item->value);
    free(item->origin);
    *item = fresh;
    sconce_value_store(&sconce_keys[i], &item->value, &config->settings);
    return 0;
}

static bool is_default(const struct sconce_config_item *item)
{
    return !item->origin || !strcmp(item->origin, "default");
}

/* backends.d lies beside the plugins' directory unless somebody said otherwise. */
static int derive_backends_dir(struct sconce_config *config, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text path = {0};
    const char *plugin_dir = config->settings.plugin_dir;
    const char *slash = strrchr(plugin_dir, '/');

    if (!is_default(&config->items[SCONCE_KEY_BACKENDS_DIR]))
        return 0;
    sconce_text_add(&path, "%.*s/backends.d", (int)(slash - plugin_dir), plugin_dir);
    if (path.failed)
        return no_memory(err);
    return set_item(config, SCONCE_KEY_BACKENDS_DIR, sconce_text_get(&path), "default", err);
}

/* In a program with more rights than its caller, code comes from the built-in place alone. */
static int check_secure(const struct sconce_config *config, size_t i, const char *text,
                        struct sconce_error *err)
{
    bool untrusted = false;

    if (!config->secure)
        return 0;
    if (i == SCONCE_KEY_ALLOW_UNTRUSTED && sconce_parse_bool(text, &untrusted) == 0 && untrusted)
        return sconce_fail(err, SCONCE_E_CONFIG,
                           "%s cannot be set in a program that runs with raised privileges",
                           sconce_keys[i].name);
    if (i == SCONCE_KEY_PLUGIN_DIR && strcmp(text, sconce_keys[i].fallback) != 0)
        return sconce_fail(err, SCONCE_E_CONFIG,
                           "%s can only be %s in a program that runs with raised privileges",
                           sconce_keys[i].name, sconce_keys[i].fallback);
    return 0;
}

static int put_known(struct sconce_config *config, size_t i, const char *text, const char *origin,
                     struct sconce_error *err)
{
    int r = check_secure(config, i, text, err);

    if (r == 0)
        r = set_item(config, i, text, origin, err);
    if (r == 0 && i == SCONCE_KEY_PLUGIN_DIR)
        r = derive_backends_dir(config, err);
    return r;
}

/* ---- [backend.NAME] -------------------------------------------------------------------------- */

static void free_backend_item(struct sconce_config_backend_item *item)
{
    free(item->backend);
    free(item->key);
    free(item->value);
    free(item->origin);
    *item = (struct sconce_config_backend_item){0};
}

static bool make_backend_item(struct sconce_config_backend_item *ret, const char *backend,
                              const char *key, const char *value, const char *origin)
{
    struct sconce_config_backend_item copy = {
        .backend = strdup(backend),
        .key = strdup(key),
        .value = strdup(value),
        .origin = strdup(origin),
    };

    if (!copy.backend || !copy.key || !copy.value || !copy.origin) {
        free_backend_item(&copy);
        return false;
    }
    *ret = copy;
    return true;
}

static struct sconce_config_backend_item *find_backend_item(const struct sconce_config *config,
                                                            const char *backend, const char *key)
{
    size_t i;

    for (i = 0; i < config->backend_item_count; i++)
        if (!strcmp(config->backend_items[i].backend, backend) &&
            !strcmp(config->backend_items[i].key, key))
            return &config->backend_items[i];
    return NULL;
}

/* An array element that is all NULL, not yet counted. */
static struct sconce_config_backend_item *grow_backend_items(struct sconce_config *config)
{
    size_t count = config->backend_item_count;
    struct sconce_config_backend_item *items =
        reallocarray(config->backend_items, count + 1, sizeof *items);

    if (!items)
        return NULL;
    config->backend_items = items;
    items[count] = (struct sconce_config_backend_item){0};
    return &items[count];
}

static int check_backend_section(const char *section, struct sconce_error *err)
{
    const char *name = section + strlen(BACKEND_PREFIX);

    if (sconce_backend_name_valid(name) && strcmp(name, "auto") != 0)
        return 0;
    return sconce_fail(err, SCONCE_E_CONFIG, "[%s]: \"%s\" is no backend name", section, name);
}

static int put_backend(struct sconce_config *config, const char *section, const char *key,
                       const char *value, const char *origin, struct sconce_error *err)
{
    const char *name = section + strlen(BACKEND_PREFIX);
    struct sconce_config_backend_item fresh;
    struct sconce_config_backend_item *item;
    int r = check_backend_section(section, err);

    if (r < 0)
        return r;
    if (!sconce_setting_key_valid(key))
        return sconce_fail(err, SCONCE_E_CONFIG,
                           "\"%s\" in [%s] is no key: those are made of a-z, 0-9, _ and ., and at "
                           "most %u long",
                           key, section, SCONCE_SETTING_KEY_MAX);
    item = find_backend_item(config, name, key);
    if (!item && config->backend_item_count >= BACKEND_ITEMS_MAX)
        return sconce_fail(err, SCONCE_E_CONFIG, "more than %u backend settings",
                           BACKEND_ITEMS_MAX);
    if (!item && !(item = grow_backend_items(config)))
        return no_memory(err);
    if (!make_backend_item(&fresh, name, key, value, origin))
        return no_memory(err);
    if (item == &config->backend_items[config->backend_item_count])
        config->backend_item_count++;
    free_backend_item(item);
    *item = fresh;
    return 0;
}

/* ---- Both ------------------------------------------------------------------------------------ */

static bool is_backend_section(const char *section)
{
    return !strncmp(section, BACKEND_PREFIX, strlen(BACKEND_PREFIX));
}

int sconce_config_check_section(const char *section, struct sconce_error *err)
{
    char hint[SCONCE_KEY_HINT_BYTES];

    if (is_backend_section(section))
        return check_backend_section(section, err);
    if (sconce_key_section_known(section))
        return 0;
    sconce_key_section_hint(section, hint);
    return sconce_fail_hint(err, SCONCE_E_CONFIG, hint, "unknown section [%s]", section);
}

int sconce_config_put(struct sconce_config *config, const char *section, const char *key,
                      const char *value, const char *origin, struct sconce_error *err)
{
    char hint[SCONCE_KEY_HINT_BYTES];
    size_t i;
    int r;

    if (is_backend_section(section))
        return put_backend(config, section, key, value, origin, err);
    i = sconce_key_find(section, key);
    if (i < SCONCE_KEY_COUNT)
        return put_known(config, i, value, origin, err);
    sconce_key_hint(section, key, hint);
    if (!*section)
        return sconce_fail_hint(err, SCONCE_E_CONFIG, hint, "key \"%s\" before any [section]", key);
    r = sconce_config_check_section(section, err);
    if (r < 0)
        return r;
    return sconce_fail_hint(err, SCONCE_E_CONFIG, hint, "unknown key \"%s\" in [%s]", key, section);
}

const char *sconce_config_origin(const struct sconce_config *config, const char *section,
                                 const char *key)
{
    const struct sconce_config_backend_item *item;
    size_t i;

    if (is_backend_section(section)) {
        item = find_backend_item(config, section + strlen(BACKEND_PREFIX), key);
        return item ? item->origin : NULL;
    }
    i = sconce_key_find(section, key);
    return i < SCONCE_KEY_COUNT ? config->items[i].origin : NULL;
}

int sconce_config_set(struct sconce_config *config, const char *key, const char *value,
                      const char *origin, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *section = NULL;
    const char *dot;
    int r;

    if (!config || !key || !value || !origin)
        return sconce_fail(err, SCONCE_E_INVALID, "a configuration, key, value or origin is NULL");
    dot = strchr(key, '.');
    if (dot && is_backend_section(key))
        dot = strchr(dot + 1, '.');
    if (!dot)
        return sconce_fail_hint(err, SCONCE_E_CONFIG,
                                "keys are section.key: runtime.backend, backend.NAME.key",
                                "%s: \"%s\" is no key", origin, key);
    section = strndup(key, (size_t)(dot - key));
    if (!section)
        return no_memory(err);
    r = sconce_config_put(config, section, dot + 1, value, origin, err);
    if (r < 0)
        sconce_error_prefix(err, "%s", origin);
    return r;
}

int sconce_config_new(bool secure, struct sconce_config **ret_config, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_config_cleanup)
    struct sconce_config *config = calloc(1, sizeof *config);
    size_t i;
    int r = 0;

    if (!config)
        return no_memory(err);
    for (i = 0; i < SCONCE_KEY_COUNT && r == 0; i++)
        if (sconce_keys[i].fallback)
            r = put_known(config, i, sconce_keys[i].fallback, "default", err);
    if (r < 0)
        return r;
    config->secure = secure;
    *ret_config = SCONCE_STEAL(config);
    return 0;
}

struct sconce_config *sconce_config_copy(const struct sconce_config *config)
{
    SCONCE_CLEANUP(sconce_config_cleanup)
    struct sconce_config *copy = calloc(1, sizeof *copy);
    const struct sconce_config_backend_item *from;
    struct sconce_config_backend_item *item;
    size_t i;

    if (!copy)
        return NULL;
    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        if (set_item(copy, i, config->items[i].value.text, config->items[i].origin, NULL) < 0)
            return NULL;
    for (i = 0; i < config->backend_item_count; i++) {
        from = &config->backend_items[i];
        item = grow_backend_items(copy);
        if (!item || !make_backend_item(item, from->backend, from->key, from->value, from->origin))
            return NULL;
        copy->backend_item_count++;
    }
    copy->secure = config->secure;
    return SCONCE_STEAL(copy);
}

const struct sconce_settings *sconce_config_settings(const struct sconce_config *config)
{
    return &config->settings;
}

int sconce_config_each(const struct sconce_config *config,
                       int (*fn)(void *ctx, const char *key, const char *value, const char *origin,
                                 const char *help),
                       void *ctx)
{
    char name[sizeof BACKEND_PREFIX + SCONCE_BACKEND_NAME_MAX + 1 + SCONCE_SETTING_KEY_MAX];
    size_t i;
    int r = 0;

    for (i = 0; i < SCONCE_KEY_COUNT && r == 0; i++) {
        snprintf(name, sizeof name, "%s.%s", sconce_keys[i].section, sconce_keys[i].name);
        r = fn(ctx, name, config->items[i].value.text, config->items[i].origin,
               sconce_keys[i].help);
    }
    for (i = 0; i < config->backend_item_count && r == 0; i++) {
        const struct sconce_config_backend_item *item = &config->backend_items[i];

        snprintf(name, sizeof name, BACKEND_PREFIX "%s.%s", item->backend, item->key);
        r = fn(ctx, name, item->value, item->origin, "setting of the backend");
    }
    return r;
}

int sconce_config_backend_each(const struct sconce_config *config, const char *name,
                               int (*fn)(void *ctx, const char *key, const char *value,
                                         const char *origin),
                               void *ctx)
{
    size_t i;
    int r = 0;

    for (i = 0; i < config->backend_item_count && r == 0; i++)
        if (!strcmp(config->backend_items[i].backend, name))
            r = fn(ctx, config->backend_items[i].key, config->backend_items[i].value,
                   config->backend_items[i].origin);
    return r;
}

void sconce_config_free(struct sconce_config *config)
{
    size_t i;

    if (!config)
        return;
    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        sconce_value_free(&config->items[i].value);
        free(config->items[i].origin);
    }
    for (i = 0; i < config->backend_item_count; i++)
        free_backend_item(&config->backend_items[i]);
    free(config->backend_items);
    free(config);
}

void sconce_config_cleanup(struct sconce_config *const *config)
{
    sconce_config_free(*config);
}
