/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
                     struct sconce_error *err)
{
    int r = sconce_config_set(config, "runtime.backend", options->backend, "--backend", err);

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

int subject_open(struct subject *subject, const struct options *options)
{
    struct sconce_runtime_options runtime = {.size = sizeof runtime};
    struct sconce_backend_info backend = {.size = sizeof backend};
    struct sconce_config *config = NULL;
    struct sconce_error err = {0};
    int r;

    *subject = (struct subject){0};
    r = sconce_config_load("/dev/null", &config, &err);
    if (r == 0)
        r = configure(config, options, &err);
    runtime.config = config;
    if (r == 0)
        r = sconce_runtime_new(&runtime, &subject->runtime, &err);
    if (r == 0)
        r = sconce_guest_load_file(subject->runtime, options->guest, &subject->guest, &err);
    sconce_config_free(config);
    if (r < 0) {
        subject_failed(options->backend, &err);
        subject_close(subject);
        return status_of(&err);
    }
    sconce_guest_backend(subject->guest, &backend);
    subject->backend = backend;
    return STATUS_OK;
}

void subject_close(struct subject *subject)
{
    sconce_guest_free(subject->guest);
    sconce_runtime_free(subject->runtime);
    *subject = (struct subject){0};
}
