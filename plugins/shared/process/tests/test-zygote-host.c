/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/process/zygote-host.c where starting a zygote fails, by calls of the test's own.
 * What a zygote does that lives is for the tests with a kernel that lets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugins/shared/process/zygote-host.h"

extern long fake_start_result; /* fake-zygote-ARCH.S */

static struct {
    int pidfd_open, socketpair; /* the errno that each fails with */
} failing;
static struct sconce_plugin_error error;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
int __real_socketpair(int domain, int type, int protocol, int pair[2]);
int __wrap_socketpair(int domain, int type, int protocol, int pair[2]);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    errno = failing.pidfd_open;
    if (number == SYS_pidfd_open && errno)
        return -1;
    return __real_syscall(number, a, b, c, d, e, f);
}

int __wrap_socketpair(int domain, int type, int protocol, int pair[2])
{
    errno = failing.socketpair;
    return errno ? -1 : __real_socketpair(domain, type, protocol, pair);
}

static unsigned open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void expect_failure(const char *text)
{
    const unsigned fds = open_fds();
    struct sconce_zygote *zygote = NULL;
    int32_t status;

    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    status = sconce_zygote_get(&zygote, &error);
    assert_true(status < 0);
    assert_null(zygote);
    if (!strstr(error.text, text))
        fail_msg("%s", error.text);
    assert_int_equal(open_fds(), fds);
    sconce_zygote_release(); /* nothing is kept */
    memset(&failing, 0, sizeof failing);
}

static void test_get_without_pidfds_tells_the_call(void **state)
{
    (void)state;
    failing.pidfd_open = ENOSYS;
    expect_failure("pidfd_open");
    assert_int_equal(error.code, ENOSYS);
    assert_non_null(strstr(error.hint, "5.10"));
}

static void test_get_without_a_socket_tells_the_socket(void **state)
{
    (void)state;
    failing.socketpair = EPERM;
    expect_failure("cannot make a socket");
    assert_int_equal(error.code, EPERM);
}

static void test_get_without_a_process_tells_the_limit(void **state)
{
    sigset_t before, after;

    (void)state;
    sigprocmask(SIG_SETMASK, NULL, &before);
    fake_start_result = -EAGAIN;
    expect_failure("cannot start a helper process");
    assert_int_equal(error.code, EAGAIN);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&after, &before, 8); /* the kernel's 64 signals */
}

static void test_release_without_one_does_nothing(void **state)
{
    (void)state;
    sconce_zygote_release();
    sconce_zygote_release();
    sconce_zygote_put(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_without_pidfds_tells_the_call),
        cmocka_unit_test(test_get_without_a_socket_tells_the_socket),
        cmocka_unit_test(test_get_without_a_process_tells_the_limit),
        cmocka_unit_test(test_release_without_one_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
