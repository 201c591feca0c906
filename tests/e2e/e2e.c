/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    /* What one machine's backend must be told, whatever the test: "KEY=VALUE". */
    if (getenv("SCONCE_TEST_SET")) {
        char key[128];
        const char *value = strchr(getenv("SCONCE_TEST_SET"), '=');

        assert_non_null(value);
        snprintf(key, sizeof key, "%.*s", (int)(value - getenv("SCONCE_TEST_SET")),
                 getenv("SCONCE_TEST_SET"));
        set(config, key, value + 1);
    }
    return config;
}

const char *e2e_backend(void)
{
    return environment("SCONCE_TEST_BACKEND");
}

const char *e2e_isolation(void)
{
    return environment("SCONCE_TEST_ISOLATION");
}

bool e2e_is_sanitized(void)
{
    return strcmp(environment("SCONCE_TEST_SANITIZER"), "none") != 0;
}

static int make_runtime(struct sconce_runtime **ret_runtime, struct sconce_error *err)
{
    struct sconce_config *config =
        e2e_config("runtime.backend", e2e_backend(), "runtime.isolation", "any", (char *)NULL);
    const struct sconce_runtime_options options = {.size = sizeof options, .config = config};
    int r = sconce_runtime_new(&options, ret_runtime, err);

    sconce_config_free(config);
    return r;
}

struct sconce_runtime *e2e_runtime(void)
{
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    e2e_ok(make_runtime(&runtime, &err), &err);
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

int e2e_echo(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
             size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx;
    (void)call;
    (void)err;
    if (arg_count)
        *ret = args[0];
    return 0;
}

void e2e_offer(struct sconce_guest *guest, struct sconce_host_function offers[E2E_MOST_IMPORTS],
               struct sconce_sandbox_options *options)
{
    struct sconce_signature import;

    options->size = sizeof *options;
    options->functions = offers;
    while (sconce_guest_import(guest, options->function_count, &import)) {
        assert_in_range(options->function_count, 0, E2E_MOST_IMPORTS - 1);
        offers[options->function_count++] =
            (struct sconce_host_function){import.name, import.text, e2e_echo, NULL};
    }
}

struct sconce_sandbox *e2e_sandbox(struct sconce_guest *guest,
                                   const struct sconce_sandbox_options *wanted)
{
    struct sconce_sandbox_options options = wanted ? *wanted : (struct sconce_sandbox_options){0};
    struct sconce_host_function offers[E2E_MOST_IMPORTS];
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};

    e2e_offer(guest, offers, &options);
    e2e_ok(sconce_sandbox_new(guest, &options, &sandbox, &err), &err);
    return sandbox;
}

static void ignore_info(void *ctx, const struct sconce_backend_info *info)
{
    (void)ctx;
    (void)info;
}

static int probe_and_tell(void)
{
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    if (make_runtime(&runtime, &err) < 0 ||
        sconce_runtime_probe(runtime, e2e_backend(), ignore_info, NULL, &err) < 0) {
        printf("skipped: %s\n", err.text);
        fflush(stdout);
        return 77;
    }
    sconce_runtime_free(runtime);
    return 0;
}

void e2e_require_backend(void)
{
    int status = 0;
    pid_t child = fork();

    if (!child)
        _exit(probe_and_tell());
    waitpid(child, &status, 0);
    if (status)
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
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
