/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce: run functions of guests in sandboxes from the command line. A program on the public
 * interface of libsconce and nothing else; this file only finds the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "options.h"
#include "report.h"
#include "version.h"

static void put_usage(FILE *out)
{
    const struct command *command;

    fputs("Usage: sconce COMMAND [OPTION...] [OPERAND...]\n\n"
          "Runs functions of untrusted guest programs in micro-VMs.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; (command = options_each_command(i)) != NULL; i++)
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    fputs("  help       show this list, or the help of a command\n\n"
          "Options:\n"
          "  -h, --help     show this list\n"
          "      --version  show versions\n\n"
          "sconce COMMAND --help tells the options of a command. See sconce(1).\n",
          out);
}

static int put_version(void)
{
    printf("sconce " CLI_VERSION "\n"
           "libsconce %s\n"
           "guest ABI " CLI_GUEST_ABI "\n"
           "plugin ABI " CLI_PLUGIN_ABI "\n",
           sconce_version());
    return STATUS_OK;
}

static int unknown_command(const char *name)
{
    return report_usage(NULL, "there is no command \"%s\"", name);
}

static int help(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        put_usage(stdout);
        return STATUS_OK;
    }
    command = options_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    options_help(command, stdout);
    return STATUS_OK;
}

static int run_command(int argc, char **argv)
{
    const struct command *command = options_command(argv[0]);
    struct options options;
    int status;

    if (!command && argv[0][0] == '-')
        return report_usage(NULL, "options stand behind the command: sconce COMMAND %s", argv[0]);
    if (!command)
        return unknown_command(argv[0]);
    if (options_parse(command, argc, argv, &options, &status))
        status = command->run(&options);
    options_free(&options);
    return status;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        put_usage(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return put_version();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        put_usage(stdout);
        return STATUS_OK;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1);
    return run_command(argc - 1, argv + 1);
}

/*
 * What is opened next would be the standard stream that is closed: a device, say, which the result
 * is then written to. It becomes a descriptor on which reading and writing still fail.
 */
static bool occupy_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    int status;

    if (!occupy_standard_streams()) {
        report_error("cannot open /dev/null for a closed standard stream: %s", strerror(errno));
        return STATUS_INTERNAL;
    }
    status = dispatch(argc, argv);

    /* A result that did not arrive is no success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        report_error("cannot write to standard output: %s", strerror(errno));
        status = status == STATUS_OK ? STATUS_INTERNAL : status;
    }
    interrupt_finish();
    return status;
}
