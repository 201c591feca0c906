/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/subject.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/elf-file.h"
#include "tools/plugin-check/runner.h"

static int keep_plugin_dir(void *ctx, const char *key, const char *value, const char *origin,
                           const char *help)
{
    char **dir = ctx;

    (void)origin;
    (void)help;
    if (strcmp(key, "runtime.plugin_dir") != 0)
        return 0;
    *dir = strdup(value);
    return 1;
}

/* The plugin's file, absolute. Malloc'd; NULL when there is none. */
static char *find_plugin(const struct check_options *options, const char *target,
                         const struct sconce_config *config)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *dir = NULL;
    char path[PATH_MAX];

    if (strchr(target, '/'))
        return realpath(target, NULL);
    if (options->plugin_dir)
        dir = strdup(options->plugin_dir);
    else
        sconce_config_each(config, keep_plugin_dir, &dir);
    snprintf(path, sizeof path, "%s/sconce-backend-%s.so", dir ? dir : ".", target);
    return realpath(path, NULL);
}

/* What the file's name makes of it: "sconce-backend-stub.so" is stub. */
static void name_of(const char *path, char name[64])
{
    static const char prefix[] = "sconce-backend-";
    const char *base = strrchr(path, '/') + 1;

    if (strncmp(base, prefix, sizeof prefix - 1) == 0)
        base += sizeof prefix - 1;
    snprintf(name, 64, "%s", base);
    if (strchr(name, '.'))
        *strchr(name, '.') = '\0';
}

/* Of the backend's guests, as its note has it: the name of the folder with guests for it. A file
 * that is no plugin has none, nor has a backend for any architecture. */
static void arch_of(const char *path, char arch[64])
{
    struct check_elf elf;

    if (check_elf_read(path, &elf) || !check_elf_fact(&elf, "arch", arch, 64) || strchr(arch, '/'))
        arch[0] = '\0';
}

static const char *check_dir_of(const struct check_options *options)
{
    const char *from_environment = secure_getenv("SCONCE_CHECK_DIR");

    if (options->guest_dir)
        return options->guest_dir;
    return from_environment && from_environment[0] ? from_environment : SCONCE_CHECK_DIRECTORY;
}

static void set_up(struct check_subject *subject, const struct check_options *options)
{
    struct check_setup *setup = &subject->setup;
    const char *check_dir = check_dir_of(options);
    char beside[PATH_MAX], guest[PATH_MAX], arch[64];

    setup->path = subject->path;
    setup->plugin_dir = dirname(subject->plugin_dir);
    setup->name = subject->name;
    arch_of(subject->path, arch);
    snprintf(subject->guest_dir, sizeof subject->guest_dir, "%s/%s", check_dir, arch);
    setup->guest_dir = subject->guest_dir;
    setup->needed = options->needed;
    setup->sandboxes = options->sandboxes;
    setup->kicks = options->kicks;
    setup->frames = options->frames;
    setup->deadline_ms = options->deadline_ms;
    snprintf(beside, sizeof beside, "%s/sconce-backend-fail-nth.so", check_dir);
    subject->interposer = realpath(options->interposer ? options->interposer : beside, NULL);
    setup->interposer = subject->interposer ? subject->interposer : "";
    snprintf(guest, sizeof guest, "%s/types.elf", setup->guest_dir);
    setup->has_guests = arch[0] && access(guest, R_OK) == 0;
}

int check_subject_init(struct check_subject *subject, const struct check_options *options,
                       const char *target, struct sconce_config *config)
{
    int r;

    *subject = (struct check_subject){.path = find_plugin(options, target, config)};
    if (!subject->path)
        return check_usage_error("no such plugin: ", target);
    subject->plugin_dir = strdup(subject->path);
    if (!subject->plugin_dir)
        return check_usage_error("out of memory", "");
    name_of(subject->path, subject->name);
    subject->setup.config = config;
    set_up(subject, options);
    r = check_subject_aim(subject);
    if (r != EXIT_PASSED)
        return r;
    check_run_probe(&subject->setup);
    return subject->setup.misconfigured ? check_usage_error(subject->setup.problem, "")
                                        : EXIT_PASSED;
}

/* The rows use the plugin by name from its own directory, whatever else is configured; and whatever
 * a row is about, what it restores has to be all of memory. */
int check_subject_aim(const struct check_subject *subject)
{
    const struct check_setup *setup = &subject->setup;
    const char *const settings[][2] = {
        {"runtime.plugin_dir", setup->plugin_dir},
        {"runtime.backend", setup->name},
        {"runtime.isolation", "any"},
        {"runtime.allow_untrusted_plugins", "yes"},
        {"runtime.verify_restores", "yes"},
    };
    struct sconce_error err = {0};

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (sconce_config_set(setup->config, settings[i][0], settings[i][1], "sconce-plugin-check",
                              &err) < 0)
            return check_sconce_failed(&err);
    }
    return EXIT_PASSED;
}

void check_subject_fini(struct check_subject *subject)
{
    free(subject->interposer);
    free(subject->plugin_dir);
    free(subject->path);
}
