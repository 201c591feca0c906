/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that was started without standard streams: nothing of ours takes their place, where
 * what anybody prints would go into it, or where a daemon's dup2() would end it.
 */
#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SANDBOXES 3u

static int call(struct sconce_sandbox *sandbox)
{
    struct sconce_value result;
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, "next", NULL, 0, &result, &err) == 0;
}

static int streams_are_closed(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            return 0;
    return 1;
}

/* As a daemon does when it has started. */
static void open_streams(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fd != null)
            dup2(null, fd);
}

/* The number of the first thing that is not so; 0 when all is well. */
static int live_without_streams(void)
{
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandboxes[SANDBOXES + 1];

    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    runtime = e2e_runtime();
    guest = e2e_guest(runtime, "counter");
    for (unsigned i = 0; i < SANDBOXES; i++) {
        sandboxes[i] = e2e_sandbox(guest, NULL);
        if (!call(sandboxes[i]))
            return 1;
        if (!streams_are_closed())
            return 2;
    }
    /* What is printed goes nowhere, and not to us. */
    if (write(STDOUT_FILENO, "out", 3) >= 0 || write(STDERR_FILENO, "err", 3) >= 0)
        return 3;
    open_streams();
    sandboxes[SANDBOXES] = e2e_sandbox(guest, NULL);
    for (unsigned i = 0; i <= SANDBOXES; i++) {
        if (!call(sandboxes[i]))
            return 4;
        sconce_sandbox_free(sandboxes[i]);
    }
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (write(fd, "", 1) != 1)
            return 5;
    return 0;
}

static void test_streams_closed_at_start_stay_free(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (!child)
        _exit(live_without_streams());
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_closed_at_start_stay_free),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
