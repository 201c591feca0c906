/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child tells its result through a pipe and then exits as a program does, so that a leak
 * checker has its say: an exit status other than 0 after a good result is a failure too.
 */
#include "tools/plugin-check/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sconce-ext-dirty.h"
#include "sconce-ext-fault.h"
#include "tools/plugin-check/elf-file.h"
#include "tools/plugin-check/plugin.h"

/* What comes through the pipe. */
struct answer {
    enum check_outcome outcome;
    char text[1024];
};

static void run_here(const struct check_setup *setup, const struct check_row *row,
                     struct answer *ret)
{
    struct check check = {.setup = setup};

    ret->outcome = row->run(&check);
    memcpy(ret->text, check.text, sizeof ret->text);
}

static bool write_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t done = write(fd, at, bytes);

        if (done < 0 && errno != EINTR)
            return false;
        at += done > 0 ? done : 0;
        bytes -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t bytes)
{
    char *at = data;

    while (bytes > 0) {
        ssize_t done = read(fd, at, bytes);

        if (done == 0 || (done < 0 && errno != EINTR))
            return false;
        at += done > 0 ? done : 0;
        bytes -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* How a child ended that should have exited with 0. */
static bool ended_badly(int status, unsigned seconds, char *text, size_t bytes)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(text, bytes, "it did not end within %u s", seconds);
    else if (WIFSIGNALED(status))
        snprintf(text, bytes, "it was ended by signal %d (%s)", WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        snprintf(text, bytes, "its process exited with %d, as leak checkers do",
                 WEXITSTATUS(status));
    else
        return false;
    return true;
}

static pid_t start_child(const struct check_setup *setup, const struct check_row *row, int *ret_fd)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0)
        return -1;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        static struct answer answer;

        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would hear its answer */
        run_here(setup, row, &answer);
        exit(write_all(ends[1], &answer, sizeof answer) ? 0 : 1);
    }
    close(ends[1]);
    *ret_fd = ends[0];
    if (child < 0)
        close(ends[0]);
    return child;
}

/* The child's watchdog is a third process, since rows use alarms and signals as they like. */
static pid_t start_watchdog(pid_t child, unsigned seconds)
{
    pid_t watchdog = fork();

    if (watchdog == 0) {
        unsigned left = seconds;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (left > 0)
            left = sleep(left);
        kill(child, SIGKILL);
        _exit(0);
    }
    return watchdog;
}

static void end_watchdog(pid_t watchdog)
{
    if (watchdog <= 0)
        return;
    kill(watchdog, SIGKILL);
    waitpid(watchdog, NULL, 0);
}

static void run_in_child(const struct check_setup *setup, const struct check_row *row,
                         unsigned seconds, struct answer *ret)
{
    int status = 0;
    int fd = -1;
    pid_t child = start_child(setup, row, &fd);
    pid_t watchdog;
    bool answered;

    ret->outcome = CHECK_FAIL;
    if (child < 0) {
        snprintf(ret->text, sizeof ret->text, "cannot start a process: %s", strerror(errno));
        return;
    }
    watchdog = start_watchdog(child, seconds);
    answered = read_all(fd, ret, sizeof *ret);
    close(fd);
    waitpid(child, &status, 0);
    end_watchdog(watchdog);
    if (ended_badly(status, seconds, ret->text, sizeof ret->text) || !answered)
        ret->outcome = CHECK_FAIL;
}

/* Why a row cannot be run here, or NULL. */
static const char *missing(const struct check_setup *setup, uint32_t needs)
{
    if ((needs & CHECK_NEEDS_PROBE) && !setup->usable)
        return "it cannot be used on this machine";
    if ((needs & CHECK_NEEDS_CODE) && (setup->probe.caps & SCONCE_CAP_SCRIPTED))
        return "it runs no guest code";
    if ((needs & CHECK_NEEDS_GUESTS) && !setup->has_guests)
        return "no guests of its architecture at hand: see --guest-dir";
    if ((needs & CHECK_NEEDS_REGS) && !setup->has_regs)
        return "it does not offer " SCONCE_EXT_REGS;
    if ((needs & CHECK_NEEDS_FAULT) && !setup->has_fault)
        return "it does not offer " SCONCE_EXT_FAULT;
    if ((needs & CHECK_NEEDS_DIRTY) && !setup->has_dirty)
        return "it does not offer " SCONCE_EXT_DIRTY;
    return NULL;
}

void check_run_row(const struct check_setup *setup, const struct check_row *row, unsigned seconds,
                   bool fork_it, struct check_result *ret_result)
{
    const char *reason = missing(setup, row->needs);
    struct answer answer = {.outcome = CHECK_SKIP};

    if (reason)
        snprintf(answer.text, sizeof answer.text, "%s", reason);
    else if (fork_it)
        run_in_child(setup, row, seconds, &answer);
    else
        run_here(setup, row, &answer);
    ret_result->row = row;
    ret_result->outcome = answer.outcome;
    memcpy(ret_result->text, answer.text, sizeof ret_result->text);
}

/* ---- the first look ---- */

struct first_look {
    bool usable, has_regs, has_fault, has_dirty, is_process, misconfigured;
    struct sconce_probe probe;
    char problem[sizeof((struct check_setup *)0)->problem];
};

static void look(const struct check_setup *setup, struct first_look *ret)
{
    struct check check = {.setup = setup};
    struct check_plugin plugin;

    ret->probe.size = sizeof ret->probe;
    if (check_plugin_load(&check, &plugin) != CHECK_OK) {
        memcpy(ret->problem, check.text, sizeof ret->problem);
        return;
    }
    if (check_plugin_configure(&check, &plugin) != CHECK_OK) {
        memcpy(ret->problem, check.text, sizeof ret->problem);
        ret->misconfigured = true;
        return;
    }
    ret->has_regs = plugin.descriptor->get_extension &&
                    plugin.descriptor->get_extension(SCONCE_EXT_REGS) != NULL;
    ret->has_fault = plugin.descriptor->get_extension &&
                     plugin.descriptor->get_extension(SCONCE_EXT_FAULT) != NULL;
    ret->has_dirty = plugin.descriptor->get_extension &&
                     plugin.descriptor->get_extension(SCONCE_EXT_DIRTY) != NULL;
    ret->is_process = strcmp(plugin.descriptor->isolation, "process") == 0;
    ret->usable =
        plugin.ops->probe && plugin.ops->probe(&ret->probe, check_err(&plugin)) == SCONCE_PLUGIN_OK;
    if (!ret->usable)
        snprintf(ret->problem, sizeof ret->problem, "%s%s%s", plugin.err.text,
                 plugin.err.hint[0] ? "; " : "", plugin.err.hint);
}

void check_run_probe(struct check_setup *setup)
{
    struct first_look first = {.problem = "its process ended before it could be probed"};
    struct check_elf elf;
    char machine[16];
    int ends[2];
    pid_t child;

    if (!check_elf_read(setup->path, &elf) &&
        check_elf_fact(&elf, "machine", machine, sizeof machine))
        setup->machine = (uint32_t)strtoul(machine, NULL, 10);
    if (pipe(ends) != 0)
        return;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct first_look mine = {.usable = false};

        close(ends[0]);
        look(setup, &mine);
        _exit(write_all(ends[1], &mine, sizeof mine) ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0) {
        struct first_look told;

        if (read_all(ends[0], &told, sizeof told))
            first = told;
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    setup->usable = first.usable;
    setup->has_regs = first.has_regs;
    setup->has_fault = first.has_fault;
    setup->has_dirty = first.has_dirty;
    setup->is_process = first.is_process;
    setup->misconfigured = first.misconfigured;
    setup->probe = first.probe;
    memcpy(setup->problem, first.problem, sizeof setup->problem);
}
