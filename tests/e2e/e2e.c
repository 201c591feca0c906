/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    if (!value) {
        fprintf(stderr, "%s is not set; run this through meson test\n", name);
        exit(99);
    }
    return value;
}

static void set(struct sconce_config *config, const char *key, const char *value)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_config_set(config, key, value, "test", &err), &err);
}

struct sconce_config *e2e_config(const char *first_key, ...)
{
    struct sconce_config *config;
    struct sconce_error err = {0};
    va_list args;

    e2e_ok(sconce_config_load("/dev/null", &config, &err), &err);
    set(config, "runtime.plugin_dir", environment("SCONCE_TEST_PLUGIN_DIR"));
    set(config, "runtime.allow_untrusted_plugins", "yes");
    va_start(args, first_key);
    for (const char *key = first_key; key; key = va_arg(args, const char *))
        set(config, key, va_arg(args, const char *));
    va_end(args);
    return config;
}

static int make_runtime(const char *backend, struct sconce_runtime **ret_runtime,
                        struct sconce_error *err)
{
    struct sconce_config *config =
        e2e_config("runtime.backend", backend, "runtime.isolation", "any", (char *)NULL);
    const struct sconce_runtime_options options = {.size = sizeof options, .config = config};
    int r = sconce_runtime_new(&options, ret_runtime, err);

    sconce_config_free(config);
    return r;
}

struct sconce_runtime *e2e_runtime(const char *backend)
{
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    e2e_ok(make_runtime(backend, &runtime, &err), &err);
    return runtime;
}

struct sconce_guest *e2e_guest(struct sconce_runtime *runtime, const char *name)
{
    struct sconce_guest *guest;
    struct sconce_error err = {0};
    char path[4096];

    snprintf(path, sizeof path, "%s/%s.elf", environment("SCONCE_TEST_GUESTS"), name);
    e2e_ok(sconce_guest_load_file(runtime, path, &guest, &err), &err);
    return guest;
}

static void ignore_info(void *ctx, const struct sconce_backend_info *info)
{
    (void)ctx;
    (void)info;
}

void e2e_require_backend(const char *name)
{
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    if (make_runtime(name, &runtime, &err) < 0 ||
        sconce_runtime_probe(runtime, name, ignore_info, NULL, &err) < 0) {
        printf("skipped: %s\n", err.text);
        exit(77);
    }
    sconce_runtime_free(runtime);
}

void e2e_says(const struct sconce_error *err, const char *part)
{
    if (!strstr(err->text, part) && !strstr(err->hint, part))
        fail_msg("neither \"%s\" nor \"%s\" says \"%s\"", err->text, err->hint, part);
}

unsigned e2e_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

unsigned e2e_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned count = 0;
    int c;

    while ((c = fgetc(maps)) != EOF)
        count += c == '\n';
    fclose(maps);
    return count;
}
