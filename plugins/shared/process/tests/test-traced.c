/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No attack of a hostile guest reaches a system call, as strace(1) sees it: once a guest's process
 * has closed its filters, all that it asks of the kernel is to report, to return from a signal and
 * to set its one alternate stack. Whatever else it tries is answered by SIGSYS alone, and gives it
 * neither a process nor a mapping nor a file.
 *
 * Needs root, since guests' processes hide from everybody else.
 */
#include "plugins/shared/process/tests/attacks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/shared/process/layout.h"

#define DEADLINE_NS 600000000u
#define MAPS_BYTES 4096u

extern char **environ;

/* ---- A log ---------------------------------------------------------------------------------- */

/* What the logs of all processes come to. */
struct tally {
    unsigned guests; /* processes that closed their filters */
    unsigned reports, returns, trapped;
};

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* strace's own remarks. */
static bool is_remark(const char *line)
{
    return begins(line, "[ Process ");
}

static bool is_wall(const char *line)
{
    return begins(line, "seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=") && strstr(line, ") = 0");
}

static bool is_trap(const char *line)
{
    return (begins(line, "--- SIGSYS ") && strstr(line, "si_code=SYS_SECCOMP")) ||
           begins(line, "+++ killed by SIGSYS +++");
}

/* A system call that the filters let through, counted. */
static bool is_stubs(const char *line, struct tally *tally)
{
    if (begins(line, "sched_yield(")) {
        tally->reports++;
    } else if (begins(line, "rt_sigreturn(")) {
        tally->returns++;
    } else {
        char whole[128];

        snprintf(whole, sizeof whole, "sigaltstack({ss_sp=%#lx, ss_flags=0, ss_size=%d}, NULL) = ",
                 (unsigned long)(SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET),
                 SCONCE_ALTSTACK_BYTES);
        return begins(line, whole) || attack_is_stubs_call(line);
    }
    return true;
}

/* Reads the log of one process. Returns 0, or the number of the first line of a system call that
 * was made. */
static unsigned check_log(FILE *log, struct tally *tally)
{
    char line[4096];
    bool walled = false;
    unsigned number = 0, wants_trap = 0;

    while (fgets(line, sizeof line, log)) {
        number++;
        if (!walled) {
            walled = is_wall(line);
            tally->guests += walled;
        } else if (is_remark(line)) {
            continue;
        } else if (wants_trap) {
            if (!is_trap(line))
                return wants_trap;
            tally->trapped++;
            wants_trap = 0;
        } else if (!begins(line, "--- ") && !begins(line, "+++ ") && !is_stubs(line, tally)) {
            wants_trap = number;
        }
    }
    return wants_trap;
}

static void test_traced_log_of_a_call_that_was_made_is_found(void **state)
{
#define WALL "seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=24, filter=0xfff800158}) = 0\n"
    static const struct {
        const char *text;
        unsigned line;
    } logs[] = {
        {"getpid() = 7\n" WALL "sched_yield() = 0\nrt_sigreturn({mask=[]}) = 39\n", 0},
        {WALL "getpid() = 39\n--- SIGSYS {si_code=SYS_SECCOMP, ...} ---\n", 0},
        {WALL "getpid() = 39\n+++ killed by SIGSYS +++\n", 0},
        {WALL "getpid() = 7\nsched_yield() = 0\n", 2},
        {WALL "getpid() = 7\n--- SIGSYS {si_code=SI_USER, ...} ---\n", 2},
        {WALL "sched_yield() = 0\nexit_group(0) = ?\n+++ exited with 0 +++\n", 3},
        {WALL "arch_prctl(0x1004, 0xfff810040) = 0\nsched_yield() = 0\n", 2},
        {WALL "sigaltstack({ss_sp=0xfff811000, ss_flags=0, ss_size=2048}, NULL) = 0\n", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        FILE *log = fmemopen((void *)(uintptr_t)logs[i].text, strlen(logs[i].text), "r");
        struct tally tally = {0};

        assert_non_null(log);
        assert_int_equal(check_log(log, &tally), logs[i].line);
        assert_int_equal(tally.guests, 1);
        fclose(log);
    }
}

/* ---- strace --------------------------------------------------------------------------------- */

struct tracer {
    char folder[64];
    pid_t pid; /* 0: it did not start */
    FILE *says;
};

/* It says "strace: Process N attached", or why not; "" when it is attached. */
static const char *start_tracer(struct tracer *tracer, pid_t process)
{
    static char line[512];
    char prefix[96], pid[16];
    const char *const args[] = {"strace", "-f",   "-ff", "-e", "raw=?arch_prctl",
                                "-o",     prefix, "-p",  pid,  NULL};
    posix_spawn_file_actions_t actions;
    int fds[2], r;

    tracer->pid = 0;
    strcpy(tracer->folder, "/tmp/sconce-traced-XXXXXX");
    assert_non_null(mkdtemp(tracer->folder));
    snprintf(prefix, sizeof prefix, "%s/log", tracer->folder);
    snprintf(pid, sizeof pid, "%d", process);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
    r = posix_spawnp(&tracer->pid, "strace", &actions, NULL, (char *const *)(uintptr_t)args,
                     environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    tracer->says = fdopen(fds[0], "re");
    if (r)
        return strerror(r);
    line[0] = '\0';
    return fgets(line, sizeof line, tracer->says) && strstr(line, " attached") ? "" : line;
}

/* It tells of each process that it follows; a pipe that nobody reads would stop it. */
static void *drain(void *arg)
{
    FILE *says = arg;

    while (fgetc(says) != EOF)
        ;
    return NULL;
}

static void wait_tracer(struct tracer *tracer)
{
    while (waitpid(tracer->pid, NULL, 0) < 0)
        assert_int_equal(errno, EINTR);
    fclose(tracer->says);
}

/* Checks every log, and removes them. Returns how many there were. */
static unsigned take_logs(const struct tracer *tracer, struct tally *tally)
{
    DIR *folder = opendir(tracer->folder);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char path[400];
        unsigned line;
        FILE *log;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", tracer->folder, entry->d_name);
        log = fopen(path, "re");
        assert_non_null(log);
        line = check_log(log, tally);
        fclose(log);
        if (line)
            fail_msg("%s:%u: a system call was made", path, line);
        unlink(path);
        count++;
    }
    closedir(folder);
    rmdir(tracer->folder);
    return count;
}

/* Ends with 77 and the reason where a process cannot be traced. */
static void require_tracer(void)
{
    struct tracer tracer;
    struct tally tally = {0};
    const char *problem;
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    problem = start_tracer(&tracer, child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (tracer.pid > 0)
        wait_tracer(&tracer);
    take_logs(&tracer, &tally);
    if (problem[0]) {
        printf("skipped: strace cannot attach to a process here: %s\n", problem);
        exit(77);
    }
}

/* ---- Processes ------------------------------------------------------------------------------ */

/* Addresses and rights of what a process has mapped; empty when it is dead. */
static void read_maps(pid_t process, char *text)
{
    char path[64], line[512], range[64], rights[8], offset[32];
    size_t used = 0;
    FILE *maps;

    text[0] = '\0';
    snprintf(path, sizeof path, "/proc/%d/maps", process);
    maps = process ? fopen(path, "re") : NULL;
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%63s %7s %31s", range, rights, offset) == 3 && used < MAPS_BYTES)
            used += (size_t)snprintf(text + used, MAPS_BYTES - used, "%s %s %s\n", range, rights,
                                     offset);
    assert_in_range(used, 0, MAPS_BYTES - 1);
    if (maps)
        fclose(maps);
}

static unsigned count_entries(pid_t process, const char *folder)
{
    char path[64];
    unsigned count = 0;
    DIR *entries;

    snprintf(path, sizeof path, "/proc/%d/%s", process, folder);
    entries = opendir(path);
    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    if (entries)
        closedir(entries);
    return count;
}

struct trial {
    struct target target;
    char maps[MAPS_BYTES];
    unsigned attacks, looked_at;
};

static void try_one(void *ctx, const struct attack *attack)
{
    struct trial *trial = ctx;
    struct target *target = &trial->target;
    char maps[MAPS_BYTES], again[MAPS_BYTES];
    struct sconce_error err;
    unsigned fds, threads;
    int result = target_attack(target, attack, &err);
    pid_t process;

    assert_int_not_equal(result, SCONCE_E_BACKEND);
    trial->attacks++;
    process = target_process(target);
    read_maps(process, maps);
    fds = count_entries(process, "fd");
    threads = count_entries(process, "task");
    read_maps(process, again);
    /* One that broke the rules is being killed; what was seen counts if it was there to the end. */
    if (again[0]) {
        assert_string_equal(maps, trial->maps);
        assert_int_equal(fds, 0);
        assert_int_equal(threads, 1);
        trial->looked_at++;
    }
    target_recover(target, attack);
}

static void test_traced_attack_reaches_no_system_call(void **state)
{
    static struct trial trial;
    struct tracer tracer;
    struct tally tally = {0};
    struct sconce_error err = {0};
    unsigned logs;
    pthread_t drainer;

    (void)state;
    target_open(&trial.target, DEADLINE_NS);
    assert_string_equal(start_tracer(&tracer, trial.target.zygote), "");
    pthread_create(&drainer, NULL, drain, tracer.says);
    /* The first process that is followed. */
    e2e_ok(sconce_sandbox_restore(trial.target.sandbox, trial.target.clean, &err), &err);
    read_maps(target_process(&trial.target), trial.maps);
    assert_string_not_equal(trial.maps, "");
    attacks_each(false, try_one, &trial);
    attacks_each(true, try_one, &trial);
    target_close(&trial.target); /* the zygote ends, and with it its tracer */
    pthread_join(drainer, NULL);
    wait_tracer(&tracer);

    logs = take_logs(&tracer, &tally);
    print_message("%u attacks, %u processes, %u reports, %u returns, %u system calls trapped\n",
                  trial.attacks, tally.guests, tally.reports, tally.returns, tally.trapped);
    /* One for each restore, and the zygote's own: nobody made another. */
    assert_int_equal(tally.guests, 1 + trial.attacks);
    assert_int_equal(logs, 1 + tally.guests);
    assert_in_range(tally.trapped, trial.attacks / 4, UINT32_MAX);
    assert_in_range(trial.looked_at, trial.attacks / 4, trial.attacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traced_log_of_a_call_that_was_made_is_found),
        cmocka_unit_test(test_traced_attack_reaches_no_system_call),
    };

    e2e_require_backend();
    if (geteuid() != 0) {
        printf("skipped: only root may trace the processes of guests\n");
        return 77;
    }
    require_tracer();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
