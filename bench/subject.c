/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NULL_BYTES (4u << 20)

int subject_failed(const char *what, const struct sconce_error *err)
{
    fprintf(stderr, "bench: %s: %s\n", what, err->text);
    if (*err->hint)
        fprintf(stderr, "hint: %s\n", err->hint);
    return -1;
}

static int set_text(struct sconce_config *config, const char *text, struct sconce_error *err)
{
    const char *equals = strchr(text, '=');
    char *key = strndup(text, (size_t)(equals - text));
    int r;

    if (!key) {
        *err = (struct sconce_error){.code = SCONCE_E_NO_MEMORY, .text = "no memory for a setting"};
        return err->code;
    }
    r = sconce_config_set(config, key, equals + 1, "--set", err);
    free(key);
    return r;
}

static int configure(struct sconce_config *config, const struct options *options,
                     const char *backend, struct sconce_error *err)
{
    int r = sconce_config_set(config, "runtime.backend", backend, "--backend", err);

    if (r == 0)
        r = sconce_config_set(config, "runtime.isolation", "any", "bench", err);
    if (r == 0)
        r = sconce_config_set(config, "runtime.plugin_dir", options->plugin_dir, "--plugin-dir",
                              err);
    if (r == 0)
        r = sconce_config_set(config, "runtime.allow_untrusted_plugins", "yes", "bench", err);
    for (size_t i = 0; r == 0 && i < options->setting_count; i++)
        r = set_text(config, options->settings[i], err);
    return r;
}

static int status_of(const struct sconce_error *err)
{
    switch (err->code) {
    case SCONCE_E_NO_BACKEND:
        return STATUS_NO_BACKEND;
    case SCONCE_E_CONFIG:
    case SCONCE_E_INVALID:
        return STATUS_USAGE;
    default:
        return STATUS_FAILED;
    }
}

int subject_open(struct subject *subject, const struct options *options, const char *backend,
                 const char *guest)
{
    struct sconce_runtime_options runtime = {.size = sizeof runtime};
    struct sconce_backend_info info = {.size = sizeof info};
    struct sconce_config *config = NULL;
    struct sconce_error err = {0};
    int r;

    *subject = (struct subject){0};
    r = sconce_config_load("/dev/null", &config, &err);
    if (r == 0)
        r = configure(config, options, backend, &err);
    runtime.config = config;
    if (r == 0)
        r = sconce_runtime_new(&runtime, &subject->runtime, &err);
    if (r == 0)
        r = sconce_guest_load_file(subject->runtime, guest, &subject->guest, &err);
    sconce_config_free(config);
    if (r < 0) {
        subject_failed(backend, &err);
        subject_close(subject);
        return status_of(&err);
    }
    sconce_guest_backend(subject->guest, &info);
    subject->backend = info;
    return STATUS_OK;
}

void subject_close(struct subject *subject)
{
    sconce_guest_free(subject->guest);
    sconce_runtime_free(subject->runtime);
    free(subject->null_file);
    *subject = (struct subject){0};
}

static int answer_nothing(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                          size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    (void)ctx, (void)call, (void)args, (void)arg_count, (void)ret, (void)err;
    return 0;
}

int subject_find(const struct subject *subject, const char *export_name, uint32_t *ret_export)
{
    struct sconce_error err = {0};

    if (sconce_guest_find(subject->guest, export_name, ret_export, &err) < 0)
        return subject_failed(export_name, &err);
    return 0;
}

struct sconce_sandbox_options subject_options(void)
{
    static const struct sconce_host_function host = {
        .name = "host", .signature = "() -> none", .fn = answer_nothing};

    return (struct sconce_sandbox_options){
        .size = sizeof(struct sconce_sandbox_options), .function_count = 1, .functions = &host};
}

int subject_make(const struct subject *subject, const struct sconce_sandbox_options *options,
                 struct sconce_sandbox **ret_sandbox)
{
    struct sconce_error err = {0};

    if (sconce_sandbox_new(subject->guest, options, ret_sandbox, &err) < 0)
        return subject_failed("making a sandbox", &err);
    return 0;
}

int subject_start_serving(const struct subject *subject, const char *export_name, sconce_host_fn fn,
                          void *ctx, struct sconce_sandbox **ret_sandbox, uint32_t *ret_export)
{
    const struct sconce_host_function host = {
        .name = "host", .signature = "() -> none", .fn = fn, .ctx = ctx};
    struct sconce_sandbox_options options = subject_options();

    options.functions = &host;
    if (subject_find(subject, export_name, ret_export) < 0)
        return -1;
    return subject_make(subject, &options, ret_sandbox);
}

int subject_start(const struct subject *subject, const char *export_name,
                  struct sconce_sandbox **ret_sandbox, uint32_t *ret_export)
{
    const struct sconce_sandbox_options options = subject_options();

    if (subject_find(subject, export_name, ret_export) < 0)
        return -1;
    return subject_make(subject, &options, ret_sandbox);
}

int subject_read_null(struct subject *subject)
{
    FILE *file = fopen(BENCH_NULL_GUEST, "re");

    free(subject->null_file);
    subject->null_file = malloc(MOST_NULL_BYTES);
    subject->null_bytes = 0;
    if (file && subject->null_file)
        subject->null_bytes = fread(subject->null_file, 1, MOST_NULL_BYTES, file);
    if (file)
        fclose(file);
    if (subject->null_bytes)
        return 0;
    fprintf(stderr, "bench: cannot read %s\n", BENCH_NULL_GUEST);
    return -1;
}

int subject_load_null(const struct subject *subject, struct sconce_guest **ret_guest)
{
    struct sconce_error err = {0};

    if (sconce_guest_load_memory(subject->runtime, subject->null_file, subject->null_bytes, "null",
                                 ret_guest, &err) < 0)
        return subject_failed("loading a guest from memory", &err);
    return 0;
}

uint64_t subject_exits(const struct sconce_sandbox *sandbox)
{
    struct sconce_stats stats = {.size = sizeof stats};

    sconce_sandbox_stats(sandbox, &stats);
    return stats.exits;
}
