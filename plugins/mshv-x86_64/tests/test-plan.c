/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of fault that the double of /dev/mshv can be told to have, at every point, in a life
 * of the plugin: a retry that works, or an error that says so. No hang, no exit that is lost or
 * told twice, nothing left; and the next life is whole.
 *
 * Each plan is for a process of its own, which is this program again: it lives twice at least.
 * Which calls are worth failing is counted in a life in which none does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/mshv-x86_64/tests/plan-life.h"

#define DEADLINE_SECONDS 120u /* for a child: what has not come back by then hangs */
#define EVER "1-4000000000"

/* ---- The child ------------------------------------------------------------------------------- */

/* What a client may have, not what a double has behind its back. */
#define CLIENT_FDS 900

static unsigned count_client_fds(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < CLIENT_FDS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void name_client_fds(void)
{
    char path[32], name[128];

    for (int fd = 0; fd < CLIENT_FDS; fd++) {
        ssize_t bytes;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        bytes = readlink(path, name, sizeof name);
        if (bytes > 0)
            printf(" %d=%.*s", fd, (int)bytes, name);
    }
}

static void report(unsigned number, enum life life, const char *words)
{
    static const char *const names[] = {"whole", "told", "WRONG"};

    printf("%slife %u: %s%s%s", number > 1 ? "; " : "", number, names[life], *words ? ": " : "",
           words);
}

/* A fault strikes once, and the life behind it is whole. How many calls a life has depends on when
 * its kicks come, so what is for the end of the first one may strike in the second: then there is a
 * third. Exit status: 0, or 1 with the reason at the end of the line. */
static int live_again(bool any_exit, bool for_ever)
{
    unsigned fds = count_client_fds(), maps = count_maps();
    const char *words;
    enum life life = LIFE_TOLD;
    unsigned struck = 0;

    for (unsigned number = 1; number <= 2 || (number == 3 && life != LIFE_WHOLE); number++) {
        life = life_live(any_exit, &words);
        report(number, life, words);
        if (life == LIFE_WRONG)
            return 1;
        struck += life == LIFE_TOLD;
        if (count_client_fds() != fds) {
            printf(", %u descriptors before, and now", fds);
            name_client_fds();
            return 1;
        }
        /* The first life maps one page for ever, by which a process knows itself. */
        if (count_maps() != maps + 1) {
            printf(", %u mappings before, and now %u", maps, count_maps());
            return 1;
        }
    }
    if (for_ever || (life == LIFE_WHOLE && struck <= 1))
        return 0;
    printf(", though nothing goes wrong any more");
    return 1;
}

/* The life that is counted: a line in the log of its calls tells where the probe is over. */
static void mark_the_log(void)
{
    FILE *file = fopen(getenv("MSHV_DOUBLE_LOG"), "a");

    fputs("probed\n", file);
    fclose(file);
}

static int live_for_the_log(void)
{
    const char *words;

    life_probed = mark_the_log;
    if (life_live(false, &words) == LIFE_WHOLE)
        return 0;
    printf("%s (%s)", words, error.hint);
    return strncmp(words, "probe: ", 7) == 0 ? 77 : 1;
}

static int child(const char *kind)
{
    life_init();
    alarm(DEADLINE_SECONDS);
    setvbuf(stdout, NULL, _IOLBF, 256);
    if (strcmp(kind, "count") == 0)
        return live_for_the_log();
    return live_again(strstr(kind, "any-exit"), strstr(kind, "for-ever"));
}

/* ---- The parent ------------------------------------------------------------------------------ */

static char *self, *plugin_path;
static const char *driver;
static unsigned failed, passed;

/* What the child says goes to @text. Returns its status, as wait(2) has it. */
static int start_child(const char *kind, const char *plan, const char *log, char *text, size_t size)
{
    size_t used = 0;
    ssize_t bytes;
    int out[2], status;
    pid_t pid;

    if (pipe(out) < 0 || (pid = fork()) < 0) {
        perror("cannot start a child");
        exit(2);
    }
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        setenv("MSHV_DOUBLE_DRIVER", driver, 1);
        setenv("MSHV_DOUBLE_PLAN", plan, 1);
        setenv("MSHV_DOUBLE_LOG", log, 1);
        execl(self, self, plugin_path, kind, (char *)NULL);
        _exit(2);
    }
    close(out[1]);
    while (used < size - 1 && (bytes = read(out[0], text + used, size - 1 - used)) > 0)
        used += (size_t)bytes;
    text[used] = '\0';
    close(out[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void try_plan(const char *plan, const char *kind, const char *wanted)
{
    char text[2048];
    int status = start_child(kind, plan, "", text, sizeof text);
    bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    bool fine = status == 0 && (!wanted || strstr(text, wanted));

    fine ? passed++ : failed++;
    printf("%s%s %s: %s%s\n", fine ? "" : "FAILED ", driver, plan, text,
           hangs                 ? ", and hangs"
           : WIFSIGNALED(status) ? ", and crashes"
                                 : "");
    fflush(stdout);
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* A point of the plan, and how its calls begin in the log. */
static const struct point {
    const char *name;
    const char *line, *or_line;
} points[] = {
    {"open", "open", NULL},
    {"create-partition", "create-partition", NULL},
    {"initialize", "initialize", NULL},
    {"create-vp", "create-vp", NULL},
    {"memory", "map", "unmap"},
    {"mmap", "mmap", NULL},
    {"run", "run", NULL},
    {"get-state", "get-state", NULL},
    {"set-state", "set-state", NULL},
    {"hvcall", "hvcall", NULL},
    {"0x45", "hvcall-0x45", NULL},
    {"0x50", "hvcall-0x50", NULL},
    {"0x51", "hvcall-0x51", NULL},
    {"0x91", "hvcall-0x91", NULL},
    {"0xf4", "hvcall-0xf4", NULL},
};

#define POINTS (sizeof points / sizeof points[0])

/* How many calls each point has in a probe, and in a whole life. */
static unsigned in_probe[POINTS], in_life[POINTS];

static bool begins_with(const char *line, const char *with)
{
    return with && strncmp(line, with, strlen(with)) == 0 &&
           (line[strlen(with)] == ' ' || line[strlen(with)] == '-');
}

/* 0, or the exit status of this program. */
static int count_calls(const char *log)
{
    char line[256], text[2048];
    int status = start_child("count", "", log, text, sizeof text);
    FILE *file = fopen(log, "r");

    if (status != 0 || !file) {
        fprintf(stderr, "%s\n", text);
        return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 2;
    }
    memset(in_life, 0, sizeof in_life);
    while (fgets(line, sizeof line, file)) {
        if (strcmp(line, "probed\n") == 0)
            memcpy(in_probe, in_life, sizeof in_probe);
        for (size_t i = 0; i < POINTS; i++)
            in_life[i] += begins_with(line, points[i].line) || begins_with(line, points[i].or_line);
    }
    fclose(file);
    unlink(log);
    return 0;
}

/* ---- Plans ----------------------------------------------------------------------------------- */

static const char *const errors[] = {"EIO", "ENOMEM", "EINVAL", "EAGAIN", "EINTR"};
static const char *const statuses[] = {"5", "6", "0x15", "0x1d", "0x75"};
static const char *const messages[] = {
    "halt", "io-port",       "unmapped-gpa",     "gpa-intercept", "exception",   "cpuid",
    "msr",  "unrecoverable", "invalid-register", "unsupported",   "deliverable", "apic-eoi",
    "sipi", "opaque",        "hypercall",        "none",          "0xdeadbeef"};

/* The newer driver asks again by itself, unless it is told not to. */
static bool is_newer(void)
{
    return strcmp(driver, "newer") == 0;
}

static void try_at(const struct point *point, const char *when, const char *fault,
                   const char *value, const char *kind)
{
    bool wants_memory = strcmp(fault, "eagain") == 0 || strcmp(fault, "partial-reps") == 0;
    char plan[128];

    snprintf(plan, sizeof plan, "%s%s@%s:%s%s%s", wants_memory && is_newer() ? "no-retries," : "",
             fault, point->name, when, value ? "=" : "", value ? value : "");
    try_plan(plan, kind, NULL);
}

/* Of each kind of fault one, where a VM first meets it: minutes, and not a quarter of an hour,
 * under an emulator. */
static bool is_sample;

static void try_all_at(const struct point *point, const char *when, const char *kind)
{
    const size_t error_count = is_sample ? 1 : sizeof errors / sizeof errors[0];
    const size_t status_count = is_sample ? 1 : sizeof statuses / sizeof statuses[0];
    bool is_hvcall = strcmp(point->name, "hvcall") == 0 || point->name[0] == '0';
    bool has_reps =
        is_hvcall && strcmp(point->name, "0x45") != 0 && strcmp(point->name, "0x91") != 0;

    for (size_t i = 0; !is_hvcall && i < error_count; i++)
        try_at(point, when, "error", errors[i], kind);
    for (size_t i = 0; is_hvcall && i < status_count; i++)
        try_at(point, when, "status", statuses[i], kind);
    if (is_hvcall)
        try_at(point, when, "eagain", NULL, kind);
    if (has_reps)
        try_at(point, when, "partial-reps", "1", kind);
    if (has_reps && strcmp(point->name, "0x51") == 0)
        try_at(point, when, "partial-reps", "3", kind);
}

/* RUN_VP alone. What a message says that is not true, no plugin can know. */
static void try_all_runs(const struct point *point, const char *when)
{
    char number[16];

    try_at(point, when, "eintr", NULL, "once");
    try_at(point, when, "forgets-page", NULL, "once");
    for (int signal = SIGUSR1; signal <= SIGUSR2; signal += SIGUSR2 - SIGUSR1) {
        snprintf(number, sizeof number, "%d", signal);
        try_at(point, when, "signal-races-message", number, "once");
    }
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        try_at(point, when, "message", messages[i], "any-exit");
}

/* The first and the second one of a probe, the first two of a VM's own, one amid its life, the last
 * one. Those that a driver never sees are left out. */
static void try_point(size_t number)
{
    const unsigned own = in_life[number] - in_probe[number];
    const unsigned at[] = {1,
                           2,
                           in_probe[number] + 1,
                           in_probe[number] + 2,
                           in_probe[number] + own / 2 + 1,
                           in_life[number]};
    char when[16];

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        if (at[i] > in_life[number] || (i > 0 && at[i] <= at[i - 1]) || (is_sample && i != 2))
            continue;
        snprintf(when, sizeof when, "%u", at[i]);
        try_all_at(&points[number], when, "once");
        if (strcmp(points[number].name, "run") == 0)
            try_all_runs(&points[number], when);
    }
    if (in_life[number]) {
        try_all_at(&points[number], EVER, "for-ever");
    } else {
        printf("FAILED %s %s: no call was counted there\n", driver, points[number].name);
        failed++;
    }
}

static void try_switches(void)
{
    try_plan("no-device", "for-ever", "cannot open /dev/mshv: No such file or directory");
    try_plan("no-register-page", "once", "life 1: whole");
    try_plan("large-xsave", "once", "life 1: whole");
    if (!is_newer())
        return;
    try_plan("no-v2", "once", "life 1: whole");
    try_plan("no-self-hvcall", "once", "life 1: whole");
    try_plan("no-movable", "once", "life 1: whole");
    try_plan("no-retries", "once", "life 1: whole");
    try_plan("no-v2,no-self-hvcall,no-movable,no-retries,no-register-page,large-xsave", "once",
             "life 1: whole");
}

/* @only: one point, or NULL for all and the switches. */
static int try_driver(const char *name, const char *only)
{
    char log[] = "/tmp/mshv-plan-XXXXXX";
    int fd = mkstemp(log), r;

    if (fd < 0) {
        perror("cannot make a file for the log");
        return 2;
    }
    close(fd);
    driver = name;
    r = count_calls(log);
    unlink(log);
    if (r != 0)
        return r;
    if (!only)
        try_switches();
    for (size_t i = 0; i < POINTS; i++)
        if (!only || strcmp(only, points[i].name) == 0)
            try_point(i);
    return 0;
}

static bool is_driver(const char *name)
{
    return strcmp(name, "6.15") == 0 || strcmp(name, "newer") == 0;
}

int main(int argc, char **argv)
{
    int r;

    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: %s PLUGIN.so [6.15|newer [POINT|sample]]\n", argv[0]);
        return 2;
    }
    self = argv[0];
    plugin_path = argv[1];
    if (argc > 2 && !is_driver(argv[2]))
        return fake_host_load(plugin_path) ? child(argv[2]) : 2;
    is_sample = argc > 3 && strcmp(argv[3], "sample") == 0;
    r = try_driver(argc > 2 ? argv[2] : "6.15", argc > 3 && !is_sample ? argv[3] : NULL);
    if (r == 0 && argc == 2)
        r = try_driver("newer", NULL);
    if (r == 0)
        printf("%u plans are fine, %u are not\n", passed, failed);
    return r ? r : failed || !passed ? 1 : 0;
}
