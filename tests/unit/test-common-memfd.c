/* SPDX-License-Identifier: Apache-2.0 */
/* common/memfd.c, also on kernels that do not know all of its flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/memfd.h"

#define NOEXEC_SEAL 0x8u /* Linux 6.3 */

static unsigned refused; /* flags that this kernel does not know */
static int refusal;      /* an errno for everything */
static unsigned last_flags, calls;

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);

int __wrap_memfd_create(const char *name, unsigned flags)
{
    calls++;
    last_flags = flags;
    errno = flags & refused ? EINVAL : refusal;
    return errno ? -1 : __real_memfd_create(name, flags);
}

static int start_over(void **state)
{
    (void)state;
    refused = last_flags = calls = 0;
    refusal = 0;
    return 0;
}

static void test_memfd_is_sealable_and_closed_on_exec(void **state)
{
    struct stat info;
    int fd;

    (void)state;
    refused = NOEXEC_SEAL;
    fd = sconce_memfd("test");
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(calls, 2); /* with the flag, then without */
    assert_int_equal(last_flags, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 0);
    assert_int_equal(ftruncate(fd, 8192), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    close(fd);
}

static void test_memfd_asks_for_one_that_is_no_program(void **state)
{
    int fd;

    (void)state;
    fd = sconce_memfd("test");
    if (calls > 1)
        return; /* this machine's kernel does not know the flag */
    assert_int_equal(last_flags, MFD_CLOEXEC | MFD_ALLOW_SEALING | NOEXEC_SEAL);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void test_memfd_another_error_is_final(void **state)
{
    (void)state;
    refusal = EMFILE;
    assert_int_equal(sconce_memfd("test"), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(calls, 1);
}

static void test_memfd_refused_altogether_tells_why(void **state)
{
    (void)state;
    refused = MFD_CLOEXEC;
    assert_int_equal(sconce_memfd("test"), -1);
    assert_int_equal(errno, EINVAL);
}

/* Each standard stream closed: the file is none of them, and does not hold one open. */
static void test_memfd_is_never_a_standard_stream(void **state)
{
    int kept[3], fds[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
    for (int i = 0; i < 3; i++)
        close(i);
    for (int i = 0; i < 3; i++)
        fds[i] = sconce_memfd("test");
    errno = 0;
    fcntl(STDIN_FILENO, F_GETFD);
    int in_error = errno;
    for (int i = 0; i < 3; i++) {
        dup2(kept[i], i);
        close(kept[i]);
    }
    assert_int_equal(in_error, EBADF);
    for (int i = 0; i < 3; i++) {
        assert_true(fds[i] > STDERR_FILENO);
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        close(fds[i]);
    }
}

static void test_off_streams_passes_on_what_is_none(void **state)
{
    int fd = sconce_memfd("test");

    (void)state;
    assert_int_equal(sconce_off_streams(fd), fd);
    close(fd);
    errno = EMFILE;
    assert_int_equal(sconce_off_streams(-1), -1);
    assert_int_equal(errno, EMFILE);
}

/* In a child without standard streams; the number of the first thing that is not so. */
static int take_streams_place(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    fd = sconce_off_streams(open("/dev/null", O_RDWR));
    if (fd <= STDERR_FILENO)
        return 1;
    if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
        return 2;
    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return 3;
    return 0;
}

static void test_off_streams_moves_what_is_one(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (!child)
        _exit(take_streams_place());
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_memfd_is_sealable_and_closed_on_exec, start_over),
        cmocka_unit_test_setup(test_memfd_asks_for_one_that_is_no_program, start_over),
        cmocka_unit_test_setup(test_memfd_another_error_is_final, start_over),
        cmocka_unit_test_setup(test_memfd_refused_altogether_tells_why, start_over),
        cmocka_unit_test_setup(test_memfd_is_never_a_standard_stream, start_over),
        cmocka_unit_test_setup(test_off_streams_passes_on_what_is_none, start_over),
        cmocka_unit_test_setup(test_off_streams_moves_what_is_one, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
