/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROUNDS 100000ul
#define MOST_BATCH 100000ul
#define LAST_CPU (-2) /* until options_pin has looked */

/* Where the process could run before it was pinned; empty when it was not. */
static cpu_set_t allowed;
static int pinned;

static const struct option table[] = {
    {"backend", required_argument, NULL, 'b'},
    {"only", required_argument, NULL, 'o'},
    {"sweep", required_argument, NULL, 'w'},
    {"plugin-dir", required_argument, NULL, 'd'},
    {"set", required_argument, NULL, 's'},
    {"rounds", required_argument, NULL, 'r'},
    {"batch", required_argument, NULL, 'n'},
    {"cpu", required_argument, NULL, 'c'},
    {"format", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void show_help(const struct options *options)
{
    printf(
        "usage: %s [OPTION...]\n"
        "\n"
        "Measures what a backend costs beside the mechanism that it stands on.\n"
        "\n"
        "  --backend=NAME        this one [kvm-x86_64 and process-x86_64, those that work here]\n"
        "  --only=GLOB           rows of such names: 'call.*', memory.idle [all but memory.*]\n"
        "  --sweep=AXIS          the rows drawn against pages, heap or alive, or all of these\n"
        "  --rounds=N            rounds [each row's own]\n"
        "  --batch=N             operations of each contestant a round [each row's own]\n"
        "  --cpu=N|any           processor to run on [the last allowed]\n"
        "  --format=text|json\n"
        "  --plugin-dir=DIR      where the backends are [this build's]\n"
        "  --set=KEY=VALUE       one setting of sconce.ini; may be repeated\n"
        "  --help\n",
        options->program);
}

static bool parse_number(const char *name, const char *text, unsigned long most, unsigned *ret)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value < 1 || value > most) {
        fprintf(stderr, "bench: --%s: \"%s\" is no number from 1 to %lu\n", name, text, most);
        return false;
    }
    *ret = (unsigned)value;
    return true;
}

static bool parse_cpu(const char *text, int *ret_cpu)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (strcmp(text, "any") == 0) {
        *ret_cpu = OPTIONS_ANY_CPU;
        return true;
    }
    if (end == text || *end || value < 0 || value >= CPU_SETSIZE) {
        fprintf(stderr, "bench: --cpu: \"%s\" is neither a processor's number nor any\n", text);
        return false;
    }
    *ret_cpu = (int)value;
    return true;
}

static bool parse_format(const char *text, bool *ret_json)
{
    *ret_json = strcmp(text, "json") == 0;
    if (*ret_json || strcmp(text, "text") == 0)
        return true;
    fprintf(stderr, "bench: --format: \"%s\" is neither text nor json\n", text);
    return false;
}

static bool parse_sweep(const char *text, const char **ret_axis)
{
    static const char *const axes[] = {"pages", "heap", "alive", OPTIONS_SWEEP_ALL};

    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (strcmp(text, axes[i]) == 0) {
            *ret_axis = axes[i];
            return true;
        }
    fprintf(stderr, "bench: --sweep: \"%s\" is none of pages, heap, alive and all\n", text);
    return false;
}

static bool add_setting(struct options *options, const char *text)
{
    if (options->setting_count == OPTIONS_MOST_SETTINGS || !strchr(text, '=')) {
        fprintf(stderr, "bench: --set: \"%s\" is not KEY=VALUE, or more than %u were given\n", text,
                OPTIONS_MOST_SETTINGS);
        return false;
    }
    options->settings[options->setting_count++] = text;
    return true;
}

/* One option but --help; @c as the table has it. */
static bool take(struct options *options, int c)
{
    switch (c) {
    case 'b':
        options->backend = optarg;
        return true;
    case 'o':
        options->only = optarg;
        return true;
    case 'w':
        return parse_sweep(optarg, &options->sweep);
    case 'd':
        options->plugin_dir = optarg;
        return true;
    case 's':
        return add_setting(options, optarg);
    case 'r':
        return parse_number("rounds", optarg, MOST_ROUNDS, &options->plan.rounds);
    case 'n':
        return parse_number("batch", optarg, MOST_BATCH, &options->plan.batch);
    case 'c':
        return parse_cpu(optarg, &options->cpu);
    case 'f':
        return parse_format(optarg, &options->json);
    default:
        return false; /* getopt has said why */
    }
}

bool options_parse(int argc, char **argv, struct options *options, int *ret_status)
{
    int c;

    options->cpu = LAST_CPU;
    *ret_status = STATUS_USAGE;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == 'h') {
            show_help(options);
            *ret_status = STATUS_OK;
            return false;
        }
        if (!take(options, c))
            return false;
    }
    if (optind < argc) {
        fprintf(stderr, "bench: \"%s\" is no option; --help lists them\n", argv[optind]);
        return false;
    }
    return true;
}

int options_pin(struct options *options)
{
    cpu_set_t set;

    CPU_ZERO(&allowed);
    if (options->cpu == OPTIONS_ANY_CPU)
        return STATUS_OK;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && options->cpu == LAST_CPU)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET((size_t)cpu, &allowed))
                options->cpu = cpu;
    pinned = options->cpu;
    CPU_ZERO(&set);
    if (pinned >= 0)
        CPU_SET((size_t)pinned, &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0)
        return STATUS_OK;
    fprintf(stderr, "bench: --cpu: cannot run on processor %d: %s\n", pinned, strerror(errno));
    return STATUS_USAGE;
}

void options_unpin(void)
{
    if (CPU_COUNT(&allowed) > 0)
        sched_setaffinity(0, sizeof allowed, &allowed);
}

void options_pin_back(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (CPU_COUNT(&allowed) > 0 && pinned >= 0) {
        CPU_SET((size_t)pinned, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
}

void options_pin_other(void)
{
    cpu_set_t others = allowed;

    if (pinned >= 0)
        CPU_CLR((size_t)pinned, &others);
    if (CPU_COUNT(&others) > 0)
        sched_setaffinity(0, sizeof others, &others);
}
