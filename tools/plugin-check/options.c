/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static const char usage_text[] =
    "Usage: sconce-plugin-check [OPTION]... NAME|PATH...\n"
    "Hold a backend to the plugin contract and to the behaviour that every backend shows.\n"
    "\n"
    "  NAME               an installed backend; PATH, with a slash: a plugin's file;\n"
    "                     several: one table, a column each\n"
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
    "      --frames=N          frames that each row of lies sends (default: 400)\n"
    "      --deadline=MS       of guests that do not end by themselves (default: 250); what\n"
    "                          starts must start within it: more on a slow machine\n"
    "      --timeout=SECONDS   after which a row counts as hanging (default: 120)\n"
    "      --no-fork           run rows in this process, for a debugger\n"
    "      --list              list the rows and exit\n"
    "      --format=text|json  how to report (default: text)\n"
    "      --help, --version\n"
    "\n"
    "Exit status: 0 passed, 1 a row failed, 2 usage, 77 nothing failed, but the machine\n"
    "cannot run the backend, or one of several.\n";

int check_usage_error(const char *problem, const char *what)
{
    fprintf(stderr, "sconce-plugin-check: %s%s\nhint: see sconce-plugin-check --help\n", problem,
            what);
    return EXIT_USAGE;
}

int check_sconce_failed(const struct sconce_error *err)
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
        return check_usage_error("--set needs KEY=VALUE, not ", text);
    key = strndup(text, (size_t)(equals - text));
    if (!key)
        return check_usage_error("out of memory", "");
    return sconce_config_set(config, key, equals + 1, "--set", &err) < 0 ? check_sconce_failed(&err)
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
    OPT_FRAMES,
    OPT_DEADLINE,
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
    {"frames", required_argument, NULL, OPT_FRAMES},
    {"deadline", required_argument, NULL, OPT_DEADLINE},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"no-fork", no_argument, NULL, OPT_NO_FORK},
    {"list", no_argument, NULL, OPT_LIST},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* The options that are a value and no more. */
static int take_option(struct check_options *options, int option, char *value)
{
    unsigned *count = option == OPT_SANDBOXES  ? &options->sandboxes
                      : option == OPT_KICKS    ? &options->kicks
                      : option == OPT_FRAMES   ? &options->frames
                      : option == OPT_DEADLINE ? &options->deadline_ms
                      : option == OPT_TIMEOUT  ? &options->timeout
                                               : NULL;

    if (count)
        return parse_count(value, count) ? EXIT_PASSED : check_usage_error("not a count: ", value);
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
        if (options->needed_count == CHECK_MAX_NEEDED)
            return check_usage_error("too many --needed", "");
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
                   : check_usage_error("--format is text or json, not ", value);
    default:
        return EXIT_USAGE; /* getopt_long has said what is wrong */
    }
}

int check_load_config(int argc, char **argv, struct sconce_config **ret_config)
{
    struct sconce_error err = {0};
    const char *path = NULL;
    int option;

    /* It comes first whatever the order: what else is said overrides it. */
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
    return sconce_config_load(path, ret_config, &err) < 0 ? check_sconce_failed(&err) : EXIT_PASSED;
}

int check_parse_options(int argc, char **argv, struct check_options *options,
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
    options->targets = argv + optind;
    options->target_count = (size_t)(argc - optind);
    if (options->target_count == 0)
        return check_usage_error("which backend?", "");
    if (options->target_count > CHECK_MAX_TARGETS)
        return check_usage_error("too many backends", "");
    if (options->target_count > 1 && !options->fork_rows)
        return check_usage_error("--no-fork is for one backend at a time", "");
    return EXIT_PASSED;
}
