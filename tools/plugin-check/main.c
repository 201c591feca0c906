/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: which backend, which rows, and the exit code. */
#include <fnmatch.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/report.h"

#define EXIT_PASSED 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_UNUSABLE 77 /* what meson and automake take for "skipped" */

#define MAX_NEEDED 16u
#define MAX_ROWS 512u

static const char usage_text[] =
    "Usage: sconce-plugin-check [OPTION]... NAME|PATH\n"
    "Hold a backend to the plugin contract and to the behaviour that every backend shows.\n"
    "\n"
    "  NAME               an installed backend; PATH, with a slash: a plugin's file\n"
    "      --config=FILE       configuration; its [backend.NAME] settings are used\n"
    "      --set=KEY=VALUE     one setting, as in sconce.ini(5): backend.NAME.KEY=VALUE\n"
    "      --plugin-dir=DIR    where NAME is looked for\n"
    "      --guest-dir=DIR     the guests of this check (default: $SCONCE_CHECK_DIR,\n"
    "                          then where they are installed)\n"
    "      --interposer=FILE   the fail-nth interposer (default: beside the guests)\n"
    "      --needed=LIB        a library that the plugin may need beside the C library\n"
    "      --only=PATTERN      only rows whose name matches, as in \"map.*\"\n"
    "      --sandboxes=N       sandboxes that the leak rows make (default: 200)\n"
    "      --kicks=N           kicks that the race row sends (default: 10000)\n"
    "      --timeout=SECONDS   after which a row counts as hanging (default: 120)\n"
    "      --no-fork           run rows in this process, for a debugger\n"
    "      --list              list the rows and exit\n"
    "      --format=text|json  how to report (default: text)\n"
    "      --help, --version\n"
    "\n"
    "Exit status: 0 passed, 1 a row failed, 2 usage, 77 nothing could be tried because\n"
    "the machine cannot run the backend.\n";

struct options {
    const char *target;
    const char *plugin_dir;
    const char *guest_dir;
    const char *interposer;
    const char *only;
    const char *needed[MAX_NEEDED + 1];
    unsigned needed_count;
    unsigned sandboxes, kicks, timeout;
    bool fork_rows, list, json;
};

static const struct check_row *const themes[] = {
    check_file_rows,   check_load_rows,   check_memory_rows,   check_contract_rows,
    check_scrub_rows,  check_types_rows,  check_misuse_rows,   check_faults_rows,
    check_frames_rows, check_limits_rows, check_snapshot_rows, check_kick_rows,
    check_counts_rows, check_leaks_rows,  check_fail_nth_rows,
};
#define THEMES (sizeof themes / sizeof themes[0])

static int usage_error(const char *problem, const char *what)
{
    fprintf(stderr, "sconce-plugin-check: %s%s\nhint: see sconce-plugin-check --help\n", problem,
            what);
    return EXIT_USAGE;
}

static int sconce_failed(const struct sconce_error *err)
{
    fprintf(stderr, "sconce-plugin-check: %s\n", err->text);
    if (err->hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", err->hint);
    return EXIT_USAGE;
}

static bool parse_count(const char *text, unsigned *ret)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > 10000000)
        return false;
    *ret = (unsigned)value;
    return true;
}

static int set_setting(struct sconce_config *config, const char *text)
{
    const char *equals = strchr(text, '=');
    SCONCE_CLEANUP(sconce_cleanup_free) char *key = NULL;
    struct sconce_error err = {0};

    if (!equals)
        return usage_error("--set needs KEY=VALUE, not ", text);
    key = strndup(text, (size_t)(equals - text));
    if (!key)
        return usage_error("out of memory", "");
    return sconce_config_set(config, key, equals + 1, "--set", &err) < 0 ? sconce_failed(&err)
                                                                         : EXIT_PASSED;
}

enum {
    OPT_CONFIG = 256,
    OPT_SET,
    OPT_PLUGIN_DIR,
    OPT_GUEST_DIR,
    OPT_INTERPOSER,
    OPT_NEEDED,
    OPT_ONLY,
    OPT_SANDBOXES,
    OPT_KICKS,
    OPT_TIMEOUT,
    OPT_NO_FORK,
    OPT_LIST,
    OPT_FORMAT,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"set", required_argument, NULL, OPT_SET},
    {"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
    {"guest-dir", required_argument, NULL, OPT_GUEST_DIR},
    {"interposer", required_argument, NULL, OPT_INTERPOSER},
    {"needed", required_argument, NULL, OPT_NEEDED},
    {"only", required_argument, NULL, OPT_ONLY},
    {"sandboxes", required_argument, NULL, OPT_SANDBOXES},
    {"kicks", required_argument, NULL, OPT_KICKS},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"no-fork", no_argument, NULL, OPT_NO_FORK},
    {"list", no_argument, NULL, OPT_LIST},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* The options that are a value and no more. */
static int take_option(struct options *options, int option, char *value)
{
    unsigned *count = option == OPT_SANDBOXES ? &options->sandboxes
                      : option == OPT_KICKS   ? &options->kicks
                      : option == OPT_TIMEOUT ? &options->timeout
                                              : NULL;

    if (count)
        return parse_count(value, count) ? EXIT_PASSED : usage_error("not a count: ", value);
    switch (option) {
    case OPT_PLUGIN_DIR:
        options->plugin_dir = value;
        return EXIT_PASSED;
    case OPT_GUEST_DIR:
        options->guest_dir = value;
        return EXIT_PASSED;
    case OPT_INTERPOSER:
        options->interposer = value;
        return EXIT_PASSED;
    case OPT_ONLY:
        options->only = value;
        return EXIT_PASSED;
    case OPT_NEEDED:
        if (options->needed_count == MAX_NEEDED)
            return usage_error("too many --needed", "");
        options->needed[options->needed_count++] = value;
        return EXIT_PASSED;
    case OPT_NO_FORK:
        options->fork_rows = false;
        return EXIT_PASSED;
    case OPT_LIST:
        options->list = true;
        return EXIT_PASSED;
    case OPT_FORMAT:
        options->json = strcmp(value, "json") == 0;
        return options->json || strcmp(value, "text") == 0
                   ? EXIT_PASSED
                   : usage_error("--format is text or json, not ", value);
    default:
        return EXIT_USAGE; /* getopt_long has said what is wrong */
    }
}

/* --config comes first whatever the order: what else is said overrides it. */
static int load_config(int argc, char **argv, struct sconce_config **ret_config)
{
    struct sconce_error err = {0};
    const char *path = NULL;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_CONFIG)
            path = optarg;
        if (option == OPT_HELP) {
            fputs(usage_text, stdout);
            exit(EXIT_PASSED);
        }
        if (option == OPT_VERSION) {
            printf("sconce-plugin-check %s, plugin ABI %d.%d\n", sconce_version(),
                   SCONCE_PLUGIN_ABI_MAJOR, SCONCE_PLUGIN_ABI_MINOR);
            exit(EXIT_PASSED);
        }
    }
    opterr = 1;
    optind = 1;
    return sconce_config_load(path, ret_config, &err) < 0 ? sconce_failed(&err) : EXIT_PASSED;
}

static int parse_options(int argc, char **argv, struct options *options,
                         struct sconce_config *config)
{
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        int r = option == OPT_SET      ? set_setting(config, optarg)
                : option == OPT_CONFIG ? EXIT_PASSED
                                       : take_option(options, option, optarg);

        if (r != EXIT_PASSED)
            return r;
    }
    if (options->list)
        return EXIT_PASSED;
    if (optind + 1 != argc)
        return usage_error(optind == argc ? "which backend?" : "one backend at a time", "");
    options->target = argv[optind];
    return EXIT_PASSED;
}

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
static char *find_plugin(const struct options *options, const struct sconce_config *config)
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
            return sconce_failed(&err);
    }
    return EXIT_PASSED;
}

static const char *guest_dir_of(const struct options *options)
{
    const char *from_environment = secure_getenv("SCONCE_CHECK_DIR");

    if (options->guest_dir)
        return options->guest_dir;
    return from_environment && from_environment[0] ? from_environment : SCONCE_CHECK_DIRECTORY;
}

/* ---- running ---- */

static bool is_wanted(const struct options *options, const struct check_row *row)
{
    return !options->only || fnmatch(options->only, row->id, 0) == 0;
}

static int list_rows(const struct options *options)
{
    for (size_t t = 0; t < THEMES; t++) {
        for (const struct check_row *row = themes[t]; row->id; row++) {
            if (is_wanted(options, row))
                printf("%-20s %s\n", row->id, row->title);
        }
    }
    return EXIT_PASSED;
}

static int run_rows(const struct options *options, const struct check_setup *setup)
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
        return usage_error("no row matches ", options->only);
    if (options->json)
        check_report_json(setup, results, count, &totals);
    else
        check_report_text(setup, results, count, &totals);
    if (totals.failed > 0)
        return EXIT_FAILED;
    return setup->usable ? EXIT_PASSED : EXIT_UNUSABLE;
}

static int check_plugin_file(const struct options *options, struct sconce_config *config)
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
        return usage_error("no such plugin: ", options->target);
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
        return usage_error(setup.problem, "");
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
    struct options options = {.sandboxes = 200, .kicks = 10000, .timeout = 120, .fork_rows = true};
    int r = load_config(argc, argv, &config);

    if (r == EXIT_PASSED)
        r = parse_options(argc, argv, &options, config);
    if (r != EXIT_PASSED)
        return r;
    if (options.list)
        return list_rows(&options);
    if (options.fork_rows)
        restart_without_thread_cache(argv);
    return check_plugin_file(&options, config);
}
