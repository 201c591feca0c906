/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend, which rows, and the exit status. */
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/options.h"
#include "tools/plugin-check/report.h"

#define MAX_ROWS 512u

static const struct check_row *const themes[] = {
    check_file_rows,     check_load_rows,      check_memory_rows, check_contract_rows,
    check_exits_rows,    check_scrub_rows,     check_types_rows,  check_misuse_rows,
    check_faults_rows,   check_privilege_rows, check_frames_rows, check_limits_rows,
    check_snapshot_rows, check_kick_rows,      check_counts_rows, check_leaks_rows,
    check_fail_nth_rows,
};
#define THEMES (sizeof themes / sizeof themes[0])

/* ---- what to check, and with what ---- */

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
static char *find_plugin(const struct check_options *options, const struct sconce_config *config)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *dir = NULL;
    char path[PATH_MAX];

    if (strchr(options->target, '/'))
        return realpath(options->target, NULL);
    if (options->plugin_dir)
        dir = strdup(options->plugin_dir);
    else
        sconce_config_each(config, keep_plugin_dir, &dir);
    snprintf(path, sizeof path, "%s/sconce-backend-%s.so", dir ? dir : ".", options->target);
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

/* The rows use the plugin by name from its own directory, whatever else is configured. */
static int aim_config(struct check_setup *setup)
{
    const char *const settings[][2] = {
        {"runtime.plugin_dir", setup->plugin_dir},
        {"runtime.backend", setup->name},
        {"runtime.isolation", "any"},
        {"runtime.allow_untrusted_plugins", "yes"},
    };
    struct sconce_error err = {0};

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (sconce_config_set(setup->config, settings[i][0], settings[i][1], "sconce-plugin-check",
                              &err) < 0)
            return check_sconce_failed(&err);
    }
    return EXIT_PASSED;
}

static const char *guest_dir_of(const struct check_options *options)
{
    const char *from_environment = secure_getenv("SCONCE_CHECK_DIR");

    if (options->guest_dir)
        return options->guest_dir;
    return from_environment && from_environment[0] ? from_environment : SCONCE_CHECK_DIRECTORY;
}

/* ---- running ---- */

static bool is_wanted(const struct check_options *options, const struct check_row *row)
{
    return !options->only || fnmatch(options->only, row->id, 0) == 0;
}

static int list_rows(const struct check_options *options)
{
    for (size_t t = 0; t < THEMES; t++) {
        for (const struct check_row *row = themes[t]; row->id; row++) {
            if (is_wanted(options, row))
                printf("%-20s %s\n", row->id, row->title);
        }
    }
    return EXIT_PASSED;
}

static int run_rows(const struct check_options *options, const struct check_setup *setup)
{
    static struct check_result results[MAX_ROWS];
    struct check_totals totals = {0};
    size_t count = 0;

    for (size_t t = 0; t < THEMES; t++) {
        for (const struct check_row *row = themes[t]; row->id && count < MAX_ROWS; row++) {
            struct check_result *result = &results[count];

            if (!is_wanted(options, row))
                continue;
            check_run_row(setup, row, options->timeout, options->fork_rows, result);
            totals.passed += result->outcome == CHECK_OK;
            totals.failed += result->outcome == CHECK_FAIL;
            totals.skipped += result->outcome == CHECK_SKIP;
            if (!options->json)
                check_report_row(result);
            count++;
        }
    }
    if (count == 0)
        return check_usage_error("no row matches ", options->only);
    if (options->json)
        check_report_json(setup, results, count, &totals);
    else
        check_report_text(setup, results, count, &totals);
    if (totals.failed > 0)
        return EXIT_FAILED;
    return setup->usable ? EXIT_PASSED : EXIT_UNUSABLE;
}

static int check_plugin_file(const struct check_options *options, struct sconce_config *config)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *path = find_plugin(options, config);
    SCONCE_CLEANUP(sconce_cleanup_free) char *dir = NULL;
    SCONCE_CLEANUP(sconce_cleanup_free) char *interposer = NULL;
    char name[64], beside[PATH_MAX], guest[PATH_MAX];
    struct check_setup setup = {.config = config,
                                .guest_dir = guest_dir_of(options),
                                .needed = options->needed,
                                .sandboxes = options->sandboxes,
                                .kicks = options->kicks};
    int r;

    if (!path)
        return check_usage_error("no such plugin: ", options->target);
    dir = strdup(path);
    name_of(path, name);
    setup.path = path;
    setup.plugin_dir = dirname(dir);
    setup.name = name;
    snprintf(beside, sizeof beside, "%s/sconce-backend-fail-nth.so", setup.guest_dir);
    interposer = realpath(options->interposer ? options->interposer : beside, NULL);
    setup.interposer = interposer ? interposer : "";
    snprintf(guest, sizeof guest, "%s/%s", setup.guest_dir, "types.elf");
    setup.has_guests = access(guest, R_OK) == 0;
    r = aim_config(&setup);
    if (r != EXIT_PASSED)
        return r;
    check_run_probe(&setup);
    if (setup.misconfigured)
        return check_usage_error(setup.problem, "");
    return run_rows(options, &setup);
}

static void free_config(struct sconce_config **config)
{
    sconce_config_free(*config);
}

/*
 * glibc keeps freed blocks for the thread that freed them and counts them as in use, so that the
 * heap seems to grow for a long time. Without that, rows that count the heap can be exact. It is
 * read at the start of a process, hence once more.
 */
static void restart_without_thread_cache(char **argv)
{
    if (getenv("GLIBC_TUNABLES"))
        return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv("/proc/self/exe", argv); /* when it fails, such rows are less exact, and no more */
}

int main(int argc, char **argv)
{
    SCONCE_CLEANUP(free_config) struct sconce_config *config = NULL;
    struct check_options options = {
        .sandboxes = 200, .kicks = 10000, .timeout = 120, .fork_rows = true};
    int r = check_load_config(argc, argv, &config);

    if (r == EXIT_PASSED)
        r = check_parse_options(argc, argv, &options, config);
    if (r != EXIT_PASSED)
        return r;
    if (options.list)
        return list_rows(&options);
    if (options.fork_rows)
        restart_without_thread_cache(argv);
    return check_plugin_file(&options, config);
}
