/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, their options, and what a command line asks for. The tables in options.c are the
 * only list of either: parsing, --help and the test of the manual pages read them.
 */
#ifndef SCONCE_CLI_OPTIONS_H
#define SCONCE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct options;

struct command {
    const char *name;
    const char *operands; /* as --help shows them: "GUEST FUNCTION [ARG...]" */
    const char *summary;  /* one line of the list of commands */
    const char *about;    /* what --help says above the options */
    const char *options;  /* the ids of its options, in --help's order */
    size_t least_operands;
    size_t most_operands; /* SIZE_MAX: any number */
    int (*run)(const struct options *options);
};

/* One override of a setting, in the order of the command line. */
struct option_setting {
    char *key;
    char *value;
    const char *origin; /* "--backend" */
};

struct options {
    const struct command *command;
    bool json;
    bool quiet;
    bool probe;
    bool dump;
    bool trace_syscalls;
    unsigned verbose; /* how often -v was given */
    unsigned time_ms; /* 0: the command's own */
    const char *config_path;
    const char *check_path;
    const char *output_path;
    const char *window_path;
    struct option_setting *settings;
    size_t setting_count;
    const char **hosts; /* --host NAME=VALUE, as given */
    size_t host_count;
    char **operands; /* NULL-terminated; point into argv */
    size_t operand_count;
};

/** options_command - by name; NULL when there is none. */
const struct command *options_command(const char *name);

/** options_each_command - the @i-th, NULL past the last. */
const struct command *options_each_command(size_t i);

/**
 * options_parse - @argv[0] is the command's name.
 * @ret_status: when false is returned, what the program ends with: 0 (help was shown) or 2.
 */
bool options_parse(const struct command *command, int argc, char **argv, struct options *options,
                   int *ret_status);

void options_free(struct options *options);

/** options_help - the --help text of a command. */
void options_help(const struct command *command, FILE *out);

#endif
