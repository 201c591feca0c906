/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines on which guests' processes cannot be made, or only with fewer walls: each refusal in its
 * own words and with what a person can do, nothing left behind; and where less is enough, guests
 * that run.
 */
#include "e2e.h"
#include "obstacle.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#define CANNOT_PLAY 98 /* an exit status: this machine cannot be put into that condition */
#define UNUSABLE 4     /* sconce(1) */

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

/* Where poll(2) is made of ppoll(2), the host is the first that cannot wait. */
#ifdef SYS_poll
#define NO_PPOLL "the helper process cannot wait for its host (ppoll)"
#else
#define NO_PPOLL "this process cannot wait for its helper process (poll)"
#endif

struct condition {
    struct obstacle_call call; /* when there is no function */
    int (*play)(void);
};

/* ---- Programs in such a condition ---------------------------------------------------------- */

struct said {
    int status;
    char text[16384]; /* on both streams */
};

static void put_into(const struct condition *condition)
{
    if ((condition->play ? condition->play() : obstacle_refuse(&condition->call)) < 0)
        _exit(CANNOT_PLAY);
}

/* All that @pid left behind came to us: it is gone when this returns. */
static void await_all(pid_t pid, int *ret_status)
{
    int status;
    pid_t ended;

    while ((ended = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR)
        if (ended == pid)
            *ret_status = status;
}

static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs sconce with @command and @argument in @condition. */
static struct said sconce(const struct condition *condition, const char *command,
                          const char *argument, const char *function)
{
    static struct said said;
    char backend[128], plugins[4096];
    const char *program = getenv("SCONCE_TEST_PROGRAM");
    size_t used = 0;
    ssize_t bytes;
    int ends[2], status = -1;
    pid_t pid;

    snprintf(backend, sizeof backend, "--backend=%s", e2e_backend());
    snprintf(plugins, sizeof plugins, "--plugin-dir=%s", getenv("SCONCE_TEST_PLUGIN_DIR"));
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (!pid) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        put_into(condition);
        execl(program, program, command, plugins, "--set=runtime.allow_untrusted_plugins=yes",
              "--isolation=any", backend, argument, function, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    while ((bytes = read(ends[0], said.text + used, sizeof said.text - 1 - used)) > 0)
        used += (size_t)bytes;
    said.text[used] = '\0';
    close(ends[0]);
    await_all(pid, &status);
    said.status = exit_status(status);
    return said;
}

static void says(const struct said *said, const char *part)
{
    if (!strstr(said->text, part))
        fail_msg("nobody says \"%s\": %s", part, said->text);
}

/* Is @part in what `sconce doctor` says of the backend, which works? */
static bool describes(const struct condition *condition, const char *part)
{
    struct said said = sconce(condition, "doctor", NULL, NULL);
    char *line, *end;

    assert_int_equal(said.status, 0);
    line = strstr(said.text, "(isolation: process) works: ");
    assert_non_null(line);
    end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    return strstr(line, part) != NULL;
}

static const char *guest_path(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s.elf", getenv("SCONCE_TEST_GUESTS"), name);
    return path;
}

/* ---- This library in such a condition ------------------------------------------------------ */

static bool has_no_child(void)
{
    return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
}

/* Tries to load a guest, twice; the number of the first thing that is not so. */
static int be_refused(void)
{
    struct sconce_runtime *runtime = e2e_runtime();
    unsigned fds = e2e_fds();

    for (unsigned i = 0; i < 2; i++) {
        struct sconce_guest *guest;
        struct sconce_error err;

        if (sconce_guest_load_file(runtime, guest_path("counter"), &guest, &err) !=
            SCONCE_E_NO_BACKEND)
            return 1;
        if (!has_no_child())
            return 2;
        if (e2e_fds() != fds)
            return 3;
    }
    sconce_runtime_free(runtime);
    return has_no_child() ? 0 : 4;
}

/* Calls, an end by a deadline, and a fresh start. */
static int be_well(void)
{
    const struct sconce_sandbox_options options = {.limits.deadline_ns = 200000000};
    const struct sconce_value rounds = sconce_u64(10);
    unsigned fds = e2e_fds();
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hang");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, &options);
    struct sconce_snapshot *snapshot;
    struct sconce_error err;

    if (sconce_sandbox_snapshot(sandbox, &snapshot, &err))
        return 1;
    for (unsigned i = 0; i < 3; i++) {
        if (sconce_sandbox_call(sandbox, "spin", NULL, 0, NULL, &err) != SCONCE_E_LIMIT)
            return 2;
        if (sconce_sandbox_restore(sandbox, snapshot, &err))
            return 3;
        if (sconce_sandbox_call(sandbox, "work", &rounds, 1, NULL, &err))
            return 4;
    }
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    if (e2e_fds() != fds)
        return 5;
    return has_no_child() ? 0 : 6;
}

static int in_child(const struct condition *condition, int (*live)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (!pid) {
        put_into(condition);
        _exit(live());
    }
    await_all(pid, &status);
    return exit_status(status);
}

static void skip_unless_playable(const struct condition *condition)
{
    pid_t pid = fork();
    int status = -1;

    if (!pid) {
        put_into(condition);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (exit_status(status) == CANNOT_PLAY) {
        print_message("this user or machine cannot play that\n");
        skip();
    }
    assert_int_equal(exit_status(status), 0);
}

static void expect_refusal(const struct condition *condition, const char *text, const char *hint)
{
    struct said said;

    skip_unless_playable(condition);
    said = sconce(condition, "run", guest_path("counter"), NULL);
    assert_int_equal(said.status, UNUSABLE);
    says(&said, text);
    says(&said, "hint: ");
    says(&said, hint);
    assert_int_equal(in_child(condition, be_refused), 0);
}

static void expect_diagnosis(const struct condition *condition, const char *text, const char *hint)
{
    struct said said = sconce(condition, "doctor", NULL, NULL);

    assert_int_equal(said.status, UNUSABLE);
    says(&said, text);
    says(&said, hint);
}

static void expect_success(const struct condition *condition)
{
    struct said said;

    skip_unless_playable(condition);
    said = sconce(condition, "call", guest_path("counter"), "next");
    says(&said, "101");
    assert_int_equal(said.status, 0);
    assert_int_equal(in_child(condition, be_well), 0);
}

/* ---- What cannot be done without ----------------------------------------------------------- */

static void expect_call_refusal(int number, int error, const char *text, const char *hint)
{
    const struct condition condition = {.call = {.number = number, .error = error}};

    expect_refusal(&condition, text, hint);
    expect_diagnosis(&condition, text, hint);
}

static void test_obstacles_listener_of_somebody_else(void **state)
{
    const struct condition condition = {.play = obstacle_listen};

    (void)state;
    expect_refusal(&condition, "under a seccomp filter that has a listener",
                   "outside of that container");
    expect_diagnosis(&condition, "under a seccomp filter that has a listener",
                     "outside of that container");
}

static void test_obstacles_seccomp_forbidden(void **state)
{
    (void)state;
    expect_call_refusal(SYS_seccomp, EPERM, "seccomp(2) is not allowed here",
                        "outside of that container");
}

static void test_obstacles_seccomp_missing(void **state)
{
    (void)state;
    expect_call_refusal(SYS_seccomp, ENOSYS, "the kernel has no seccomp(2)",
                        "CONFIG_SECCOMP_FILTER");
}

static void test_obstacles_listeners_missing(void **state)
{
    const struct condition condition = {.call = {.number = SYS_seccomp,
                                                 .error = EINVAL,
                                                 .match = OBSTACLE_HAS_BITS,
                                                 .argument = 1,
                                                 .value = SECCOMP_FILTER_FLAG_NEW_LISTENER}};

    (void)state;
    expect_refusal(&condition, "no seccomp user notification", "Linux 5.10 or later");
}

static void test_obstacles_pidfd_open_missing(void **state)
{
    (void)state;
    expect_call_refusal(SYS_pidfd_open, ENOSYS, "the kernel has no pidfd_open(2)",
                        "Linux 5.10 or later");
}

static void test_obstacles_close_range_missing(void **state)
{
    (void)state;
    expect_call_refusal(SYS_close_range, ENOSYS, "the kernel has no close_range(2)",
                        "Linux 5.10 or later");
}

/* What the zygote needs to see requests, and its host's end. */
static void test_obstacles_ppoll_forbidden(void **state)
{
    (void)state;
    expect_call_refusal(SYS_ppoll, EPERM, NO_PPOLL, "outside of that container");
}

/* What ends guests. */
static void test_obstacles_pidfd_send_signal_forbidden(void **state)
{
    (void)state;
    expect_call_refusal(SYS_pidfd_send_signal, EPERM,
                        "cannot signal the helper process (pidfd_send_signal)",
                        "outside of that container");
}

static void test_obstacles_clone_forbidden(void **state)
{
    const struct condition condition = {.call = {.number = SYS_clone,
                                                 .error = ENOSYS,
                                                 .match = OBSTACLE_EQUALS,
                                                 .value = CLONE_VM | CLONE_VFORK | CLONE_FILES}};

    (void)state;
    expect_refusal(&condition, "cannot start a helper process", "outside of that container");
}

static void test_obstacles_memfd_forbidden(void **state)
{
    (void)state;
    expect_call_refusal(SYS_memfd_create, EACCES, "cannot make a memory file (memfd_create)",
                        "outside of that container");
}

static void test_obstacles_memfd_missing(void **state)
{
    (void)state;
    expect_call_refusal(SYS_memfd_create, ENOSYS, "the kernel has no memfd_create(2)",
                        "Linux 5.10 or later");
}

static void test_obstacles_no_process_left(void **state)
{
    const struct condition condition = {.play = obstacle_no_processes};

    (void)state;
    expect_refusal(&condition, "the limit of processes is reached", "ulimit -u");
    /* It tries backends in processes of their own. */
    expect_diagnosis(&condition, "cannot start a process to try it in", "");
}

/* ---- What can ------------------------------------------------------------------------------ */

static void test_obstacles_nothing_in_the_way_has_every_wall(void **state)
{
    /* Refuses what is never asked for. */
    const struct condition condition = {.call = {.number = SYS_reboot, .error = EPERM}};

    (void)state;
    expect_success(&condition);
    assert_true(describes(&condition, "seccomp"));
}

static void test_obstacles_namespaces_forbidden(void **state)
{
    const struct condition condition = {.call = {.number = SYS_clone,
                                                 .error = EPERM,
                                                 .match = OBSTACLE_HAS_BITS,
                                                 .value = CLONE_NEWUSER}};

    (void)state;
    expect_success(&condition);
    assert_false(describes(&condition, "namespaces"));
}

static void test_obstacles_landlock_missing(void **state)
{
    const struct condition condition = {
        .call = {.number = SYS_landlock_create_ruleset, .error = ENOSYS}};

    (void)state;
    expect_success(&condition);
    assert_false(describes(&condition, "Landlock"));
}

/* Linux before 6.6. */
static void test_obstacles_synchronous_wake_up_missing(void **state)
{
    const struct condition condition = {.call = {.number = SYS_ioctl,
                                                 .error = EINVAL,
                                                 .match = OBSTACLE_EQUALS,
                                                 .argument = 1,
                                                 .value = SECCOMP_IOCTL_NOTIF_SET_FLAGS}};

    (void)state;
    expect_success(&condition);
    assert_false(describes(&condition, "synchronous"));
}

static void test_obstacles_executable_memfds_forbidden(void **state)
{
    const struct condition condition = {.play = obstacle_no_executable_memfds};

    (void)state;
    expect_success(&condition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_obstacles_listener_of_somebody_else),
        cmocka_unit_test(test_obstacles_seccomp_forbidden),
        cmocka_unit_test(test_obstacles_seccomp_missing),
        cmocka_unit_test(test_obstacles_listeners_missing),
        cmocka_unit_test(test_obstacles_pidfd_open_missing),
        cmocka_unit_test(test_obstacles_close_range_missing),
        cmocka_unit_test(test_obstacles_ppoll_forbidden),
        cmocka_unit_test(test_obstacles_pidfd_send_signal_forbidden),
        cmocka_unit_test(test_obstacles_clone_forbidden),
        cmocka_unit_test(test_obstacles_memfd_forbidden),
        cmocka_unit_test(test_obstacles_memfd_missing),
        cmocka_unit_test(test_obstacles_no_process_left),
        cmocka_unit_test(test_obstacles_nothing_in_the_way_has_every_wall),
        cmocka_unit_test(test_obstacles_namespaces_forbidden),
        cmocka_unit_test(test_obstacles_landlock_missing),
        cmocka_unit_test(test_obstacles_synchronous_wake_up_missing),
        cmocka_unit_test(test_obstacles_executable_memfds_forbidden),
    };

    e2e_require_backend();
    setenv("SCONCE_CONFIG", "/dev/null", 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
