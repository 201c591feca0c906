/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"
#include "report.h"
#include "text.h"

#define MAX_OPTIONS 19u
#define MOST_MS 3600000u /* an hour */
#define EXAMPLE_BYTES 1024u
#define HELP_COLUMN 31 /* where --help's explanations start */

struct option_spec {
    char id; /* also the short option, when is_short */
    bool is_short;
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;  /* lines of at most 80 - HELP_COLUMN bytes */
    const char *key;   /* the setting that it overrides, or NULL */
};

static const struct option_spec specs[] = {
    {'b', true, "backend", "NAME[,...]",
     "backends to try, in this order; auto tries\nthose that are installed", "runtime.backend"},
    {'c', true, "config", "FILE", "read this configuration file", NULL},
    {'p', false, "plugin-dir", "DIR", "where the backends are", "runtime.plugin_dir"},
    {'i', false, "isolation", "vm|any",
     "vm (the default) takes only backends that run\nguests in virtual machines",
     "runtime.isolation"},
    {'s', false, "set", "KEY=VALUE", "override any setting of sconce.ini(5)", NULL},
    {'d', false, "deadline", "MS", "how long a call may take, in milliseconds",
     "limits.deadline_ms"},
    {'k', false, "clock", "WHAT",
     "what the guest sees of the time: host,\nfrozen[:SECONDS] or offset:SECONDS", "guest.clock"},
    {'r', false, "random", "WHAT",
     "its random bytes: host, or seed:HEX for a run\nthat can be had again", "guest.random"},
    {'t', false, "trace-syscalls", NULL, "tell each system call of the guest", NULL},
    {'H', false, "host", "NAME=VALUE",
     "serve the guest's import NAME: it returns VALUE,\nwhatever its arguments", NULL},
    {'w', false, "window", "FILE", "have the guest read FILE in its window", NULL},
    {'W', false, "window-size", "BYTES", "how large the window is; FILE's size unless\ngiven",
     "limits.window_bytes"},
    {'T', false, "time", "MS", "how long each way is measured, in milliseconds\n[1000]", NULL},
    {'o', true, "output", "FILE", "write the result to FILE, as raw bytes", NULL},
    {'P', false, "probe", NULL, "try each backend, in a process of its own", NULL},
    {'D', false, "dump", NULL, "show every setting in effect and its origin\n(the default action)",
     NULL},
    {'C', false, "check", "FILE", "only check a configuration file", NULL},
    {'f', false, "format", "text|json", "for people or for programs", NULL},
    {'v', true, "verbose", NULL, "tell what is done; twice, in detail", NULL},
    {'q', true, "quiet", NULL, "no remarks", NULL},
    {'h', true, "help", NULL, "show this help", NULL},
};

static const struct command commands[] = {
    {"run", "GUEST [ARG...]", "run a program, or start a guest and call its function run",
     "Load the guest and make a sandbox of it, in which its start-up code runs, main()\n"
     "included, with the ARGs; behind -- they may begin with a dash. A guest that\n"
     "exports nothing is a program: it has run then, and its exit status is this\n"
     "command's. Of others the function run() is called, if there is one. Standard\n"
     "input, output and error are the guest's.",
     "bcpisdkrtHfvqh", 1, SIZE_MAX, cmd_run},
    {"call", "GUEST FUNCTION [ARG...]", "call one function of a guest",
     "Load the guest, make a sandbox of it, call the exported FUNCTION and print its\n"
     "result. Each ARG is read by the type of its parameter:\n"
     "  bool           true, false\n"
     "  i32 u32 ...    12, -12, 0xff\n"
     "  f32 f64        1.5, 1e-3, 0x1p-2, inf, nan, bits:0x7fc00000\n"
     "  string         the text itself; @FILE for a file's contents, @- for standard\n"
     "                 input, @@text for a text that starts with @\n"
     "  bytes          the same, and hex:00ff, text:hex:00ff",
     "bcpisdkrtHwWofvqh", 2, SIZE_MAX, cmd_call},
    {"snapshot", "create|run|ls|verify ...", "keep a started guest in files, and go on with it",
     "A snapshot lies in a directory DIR, an OCI image layout, under a TAG (latest\n"
     "when none is given):\n"
     "  create GUEST DIR[:TAG] [FUNCTION [ARG...]]\n"
     "                 start the guest, call FUNCTION in it, and keep what it is then\n"
     "  run DIR[:TAG] FUNCTION [ARG...]\n"
     "                 call FUNCTION in a guest that is as it was kept, and print its\n"
     "                 result; the snapshot stays as it is\n"
     "  ls DIR         list what there is\n"
     "  verify DIR[:TAG]\n"
     "                 check one snapshot, or each\n"
     "ARGs are read as by sconce call.",
     "bcpisdkrtHwWofvqh", 2, SIZE_MAX, cmd_snapshot},
    {"bench", "GUEST FUNCTION [ARG...]", "measure how long calls of a function take",
     "Call the exported FUNCTION again and again for a second, and again with the\n"
     "sandbox rewound behind each call, and with it restored. Tells how many such\n"
     "calls fit into a second, how long they take, and what they cost in exits to\n"
     "this program. ARGs are read as by sconce call. What is returned and printed is\n"
     "dropped.",
     "TbcpisdkrHfvqh", 2, SIZE_MAX, cmd_bench},
    {"inspect", "FILE", "show what a guest or a backend file holds",
     "Show a guest's functions, imports and sizes, or the facts that a backend file\n"
     "states about itself. Nothing of the file is run.\n"
     "With --quiet: the names of a guest's functions alone, one a line.",
     "fqh", 1, 1, cmd_inspect},
    {"backends", "", "list the backends that are installed",
     "List the installed backends in the order in which auto tries them. Without\n"
     "--probe none of their code is run.\n"
     "With --quiet: their names alone, one a line.",
     "Pcpsfvqh", 0, 0, cmd_backends},
    {"doctor", "", "find out what keeps guests from running here",
     "Check the configuration, the backends and what they need of this machine, and\n"
     "say what to do. Exit status 0: guests can run here, with the configuration in\n"
     "effect.",
     "bcpisfvh", 0, 0, cmd_doctor},
    {"config", "", "show the configuration in effect",
     "Show each setting, its value, and where the value came from; or check a file.", "DCbcpisdfh",
     0, 0, cmd_config},
};

const struct command *options_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct command *options_each_command(size_t i)
{
    return i < sizeof commands / sizeof *commands ? &commands[i] : NULL;
}

/* Of an id from the tables above. */
static const struct option_spec *find_spec(char id)
{
    size_t i = 0;

    while (specs[i].id != id) {
        i++;
        assert(i < sizeof specs / sizeof *specs);
    }
    return &specs[i];
}

/* One option's lines; the explanation starts on a line of its own when the option is long. */
static void help_option(const struct option_spec *spec, FILE *out)
{
    const char *line = spec->help, *end;
    int width = fprintf(out, spec->is_short ? "  -%c, " : "      ", spec->id);

    width += fprintf(out, "--%s%s%s", spec->name, spec->value ? "=" : "",
                     spec->value ? spec->value : "");
    if (width > HELP_COLUMN - 2) {
        fputc('\n', out);
        width = 0;
    }
    for (;;) {
        end = strchrnul(line, '\n');
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - width, "", (int)(end - line), line);
        if (*end == '\0')
            break;
        line = end + 1;
        width = 0;
    }
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "Usage: sconce %s [OPTION...]%s%s\n\n%s\n\nOptions:\n", command->name,
            *command->operands ? " " : "", command->operands, command->about);
    for (const char *id = command->options; *id; id++)
        help_option(find_spec(*id), out);
    fprintf(out, "\nSee sconce-%s(1) for more, sconce(1) for exit statuses.\n", command->name);
}

/* The tables that getopt_long wants, for one command. */
static void getopt_tables(const struct command *command, struct option *table, char *shorts)
{
    *shorts++ = '-'; /* operands come in order, so that negative numbers can be told apart */
    *shorts++ = ':';
    for (const char *id = command->options; *id; id++) {
        const struct option_spec *spec = find_spec(*id);

        *table++ = (struct option){spec->name, spec->value ? required_argument : no_argument, NULL,
                                   spec->id};
        if (!spec->is_short)
            continue;
        *shorts++ = spec->id;
        if (spec->value)
            *shorts++ = ':';
    }
    *table = (struct option){0};
    *shorts = '\0';
}

static bool usage(int *ret_status, int status)
{
    *ret_status = status;
    return false;
}

static void add_setting(struct options *options, const char *key, char *value, const char *origin)
{
    struct option_setting *setting = &options->settings[options->setting_count++];

    setting->key = report_strdup(key);
    setting->value = value;
    setting->origin = origin;
}

/* A plugin directory is a place on the command line, but absolute in the configuration. */
static char *absolute(const char *path)
{
    char here[PATH_MAX];
    char *joined;

    if (*path == '/' || !getcwd(here, sizeof here) || asprintf(&joined, "%s/%s", here, path) < 0)
        return report_strdup(path);
    return joined;
}

static bool take_set(struct options *options, const char *text, int *ret_status)
{
    const char *equals = strchr(text, '=');
    char *key;

    if (!equals || equals == text)
        return usage(ret_status,
                     report_usage(options->command, "--set wants KEY=VALUE, not \"%s\"", text));
    key = report_strdup(text);
    key[equals - text] = '\0';
    add_setting(options, key, report_strdup(equals + 1), "--set");
    free(key);
    return true;
}

static bool take_format(struct options *options, const char *text, int *ret_status)
{
    if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
        return usage(ret_status,
                     report_usage(options->command, "--format is text or json, not \"%s\"", text));
    options->json = strcmp(text, "json") == 0;
    return true;
}

static bool take_time(struct options *options, const char *text, int *ret_status)
{
    char *end;
    unsigned long ms;

    errno = 0;
    ms = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || ms < 1 || ms > MOST_MS)
        return usage(ret_status, report_usage(options->command,
                                              "--time wants milliseconds from 1 to %u, not \"%s\"",
                                              MOST_MS, text));
    options->time_ms = (unsigned)ms;
    return true;
}

static bool take_option(struct options *options, char id, char *value, int *ret_status)
{
    switch (id) {
    case 'b':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--backend");
        return true;
    case 'p':
        add_setting(options, find_spec(id)->key, absolute(value), "--plugin-dir");
        return true;
    case 'i':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--isolation");
        return true;
    case 'd':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--deadline");
        return true;
    case 'k':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--clock");
        return true;
    case 'r':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--random");
        return true;
    case 't':
        options->trace_syscalls = true;
        return true;
    case 's':
        return take_set(options, value, ret_status);
    case 'w':
        options->window_path = value;
        return true;
    case 'W':
        add_setting(options, find_spec(id)->key, report_strdup(value), "--window-size");
        return true;
    case 'f':
        return take_format(options, value, ret_status);
    case 'c':
        options->config_path = value;
        return true;
    case 'T':
        return take_time(options, value, ret_status);
    case 'C':
        options->check_path = value;
        return true;
    case 'o':
        options->output_path = value;
        return true;
    case 'H':
        options->hosts[options->host_count++] = value;
        return true;
    case 'P':
        options->probe = true;
        return true;
    case 'D':
        options->dump = true;
        return true;
    case 'v':
        options->verbose++;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    default: /* 'h' */
        options_help(options->command, stdout);
        return usage(ret_status, STATUS_OK);
    }
}

/* More than one of the command's options begins so: getopt_long tells no difference. */
static bool is_ambiguous(const struct command *command, const char *name)
{
    size_t length = strcspn(name, "=");
    size_t matches = 0;

    for (const char *id = command->options; *id; id++)
        matches += strncmp(find_spec(*id)->name, name, length) == 0;
    return length > 0 && matches > 1;
}

/* The operands with @word as the guest's: "prog.elf -- -lx". False: there is no room for it. */
static bool put_example(const struct options *options, const char *word, char to[EXAMPLE_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < options->command->least_operands; i++) {
        if (!text_quote(options->operands[i], to + used, EXAMPLE_BYTES - used - 4))
            return false;
        used += strlen(to + used);
        to[used++] = ' ';
    }
    used = (size_t)(stpcpy(to + used, "-- ") - to);
    return text_quote(word, to + used, EXAMPLE_BYTES - used);
}

/* Behind the operands that a command must have, it is most likely meant for the guest. @word: what
 * @option, which is unknown, stands in. */
static bool refuse_unknown(const struct options *options, const char *option, const char *word,
                           int *ret_status)
{
    const struct command *command = options->command;
    char example[EXAMPLE_BYTES];

    if (command->most_operands < SIZE_MAX || options->operand_count < command->least_operands)
        return usage(ret_status, report_usage(command, "there is no option %s", option));
    report_error("there is no option %s", option);
    /* Letters that getopt took before this one are meant for us. */
    if (option[1] == word[1] && put_example(options, word, example))
        report_hint("sconce %s --help; what is meant for the guest stands behind --: sconce %s %s",
                    command->name, command->name, example);
    else
        report_hint("sconce %s --help; what is meant for the guest stands behind --",
                    command->name);
    return usage(ret_status, STATUS_USAGE);
}

/* @word: what it stands in, which getopt may still be within. */
static bool refuse_option(const struct options *options, const char *word, int *ret_status)
{
    const char letter[] = {'-', (char)optopt, '\0'};

    if (strncmp(word, "--", 2) != 0)
        return refuse_unknown(options, letter, word, ret_status);
    if (optopt != 0)
        return usage(ret_status, report_usage(options->command, "option --%s takes no value",
                                              find_spec((char)optopt)->name));
    if (is_ambiguous(options->command, word + 2))
        return usage(ret_status,
                     report_usage(options->command, "%s could be more than one option", word));
    return refuse_unknown(options, word, word, ret_status);
}

static bool check_operands(const struct options *options, int *ret_status)
{
    const struct command *command = options->command;

    if (options->operand_count < command->least_operands)
        return usage(ret_status,
                     report_usage(command, "%s: an operand is missing; usage: sconce %s %s",
                                  command->name, command->name, command->operands));
    if (options->operand_count > command->most_operands)
        return usage(ret_status,
                     report_usage(command, "%s: unexpected operand \"%s\"", command->name,
                                  options->operands[command->most_operands]));
    return true;
}

bool options_parse(const struct command *command, int argc, char **argv, struct options *options,
                   int *ret_status)
{
    struct option table[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 3];
    size_t room = (size_t)argc + 1;
    int next, id;

    *options = (struct options){.command = command};
    options->settings = report_calloc(room, sizeof *options->settings);
    options->hosts = report_calloc(room, sizeof *options->hosts);
    options->operands = report_calloc(room, sizeof *options->operands);
    getopt_tables(command, table, shorts);
    opterr = 0;
    optind = 0; /* start afresh */
    for (;;) {
        next = optind ? optind : 1;
        if (next < argc && args_looks_negative(argv[next])) {
            options->operands[options->operand_count++] = argv[next];
            optind = next + 1;
            continue;
        }
        id = getopt_long(argc, argv, shorts, table, NULL);
        if (id == -1)
            break;
        if (id == 1)
            options->operands[options->operand_count++] = optarg;
        else if (id == ':')
            return usage(ret_status, report_usage(command, "option --%s needs a value",
                                                  find_spec((char)optopt)->name));
        else if (id == '?')
            return refuse_option(options, argv[next], ret_status);
        else if (!take_option(options, (char)id, optarg, ret_status))
            return false;
    }
    while (optind < argc)
        options->operands[options->operand_count++] = argv[optind++];
    return check_operands(options, ret_status);
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < options->setting_count; i++) {
        free(options->settings[i].key);
        free(options->settings[i].value);
    }
    free(options->settings);
    free(options->hosts);
    free(options->operands);
    *options = (struct options){0};
}
