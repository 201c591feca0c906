/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/process/receive.c on a real pair of sockets. Event descriptors stand for
 * processes: readable is dead. poll(2) and recvmsg(2) can be made to fail first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugins/shared/process/receive.h"

#define REPLY                                                                                      \
    {                                                                                              \
        .kind = SCONCE_REPLY_LISTENER, .step = 3, .error = 0, .layers = 2                          \
    }

static int ours, theirs, zygote, child;
static int poll_errors[4], receive_errors[4]; /* the next calls', 0 at their end */
static unsigned polls, receives;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    errno = polls < 4 ? poll_errors[polls] : 0;
    return polls++ < 4 && errno ? -1 : __real_poll(fds, count, timeout);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    errno = receives < 4 ? receive_errors[receives] : 0;
    return receives++ < 4 && errno ? -1 : __real_recvmsg(fd, message, flags);
}

static int set_up(void **state)
{
    int pair[2];

    (void)state;
    memset(poll_errors, 0, sizeof poll_errors);
    memset(receive_errors, 0, sizeof receive_errors);
    polls = receives = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    ours = pair[0];
    theirs = pair[1];
    zygote = eventfd(0, EFD_CLOEXEC);
    child = eventfd(0, EFD_CLOEXEC);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(ours);
    close(theirs);
    close(zygote);
    close(child);
    return 0;
}

static void send_bytes(const void *data, size_t bytes, int fd)
{
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof fd)];
    } control = {.room = {0}};
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    assert_int_equal(sendmsg(theirs, &message, 0), bytes);
}

static void send_reply(int fd)
{
    const struct sconce_reply reply = REPLY;

    send_bytes(&reply, sizeof reply, fd);
}

static void die(int process)
{
    assert_int_equal(eventfd_write(process, 1), 0);
}

static void expect_reply(int *ret_fd)
{
    const struct sconce_reply want = REPLY;
    struct sconce_reply got;

    assert_int_equal(sconce_receive(ours, zygote, child, &got, ret_fd), 0);
    assert_memory_equal(&got, &want, sizeof got);
}

static void expect_error_at(uint32_t step, int error)
{
    struct sconce_reply got;
    int fd = 77;

    assert_int_equal(sconce_receive(ours, zygote, child, &got, &fd), error);
    assert_int_equal(got.step, step);
    assert_int_equal(fd, -1);
}

static void expect_error(int error)
{
    expect_error_at(SCONCE_STEP_RECEIVE, error);
}

/* Descriptors are given out from below: the next one tells whether one was left open. */
static int next_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static void test_receive_a_reply_alone(void **state)
{
    int fd = 77;

    (void)state;
    send_reply(-1);
    expect_reply(&fd);
    assert_int_equal(fd, -1);
}

static void test_receive_a_reply_with_its_descriptor(void **state)
{
    int fd = -1;

    (void)state;
    send_reply(zygote);
    expect_reply(&fd);
    assert_true(fd >= 0 && fd != zygote);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void test_receive_without_processes_to_watch(void **state)
{
    struct sconce_reply got;
    int fd;

    (void)state;
    send_reply(-1);
    assert_int_equal(sconce_receive(ours, -1, -1, &got, &fd), 0);
}

static void test_receive_what_the_dead_have_sent(void **state)
{
    int fd;

    (void)state;
    send_reply(-1);
    die(zygote);
    die(child);
    expect_reply(&fd);
    expect_error(ESRCH);
}

static void test_receive_from_a_dead_zygote_is_esrch(void **state)
{
    (void)state;
    die(zygote);
    expect_error(ESRCH);
}

static void test_receive_from_a_dead_child_is_esrch(void **state)
{
    (void)state;
    die(child);
    expect_error(ESRCH);
}

static void test_receive_end_of_file_is_esrch(void **state)
{
    (void)state;
    shutdown(theirs, SHUT_WR);
    expect_error(ESRCH);
}

static void test_receive_another_length_is_eproto_and_keeps_no_descriptor(void **state)
{
    const uint8_t bytes[sizeof(struct sconce_reply) + 1] = {0};
    int before = next_fd();

    (void)state;
    send_bytes(bytes, sizeof(struct sconce_reply) - 1, zygote);
    expect_error(EPROTO);
    assert_int_equal(next_fd(), before);
    send_bytes(bytes, 1, -1);
    expect_error(EPROTO);
}

static void test_receive_goes_on_when_interrupted(void **state)
{
    int fd;

    (void)state;
    poll_errors[0] = poll_errors[1] = EINTR;
    receive_errors[0] = EINTR;
    receive_errors[1] = EAGAIN;
    send_reply(-1);
    expect_reply(&fd);
    assert_int_equal(polls, 5);
    assert_int_equal(receives, 3);
}

static void test_receive_a_failure_is_its_errno(void **state)
{
    (void)state;
    poll_errors[0] = EPERM;
    expect_error_at(SCONCE_STEP_HOST_WAIT, EPERM);
    receive_errors[0] = EPERM;
    send_reply(-1);
    expect_error(EPERM);
    receive_errors[1] = ENOBUFS;
    send_reply(-1);
    expect_error(ENOBUFS);
}

int main(void)
{
#define WITH_SOCKETS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SOCKETS(test_receive_a_reply_alone),
        WITH_SOCKETS(test_receive_a_reply_with_its_descriptor),
        WITH_SOCKETS(test_receive_without_processes_to_watch),
        WITH_SOCKETS(test_receive_what_the_dead_have_sent),
        WITH_SOCKETS(test_receive_from_a_dead_zygote_is_esrch),
        WITH_SOCKETS(test_receive_from_a_dead_child_is_esrch),
        WITH_SOCKETS(test_receive_end_of_file_is_esrch),
        WITH_SOCKETS(test_receive_another_length_is_eproto_and_keeps_no_descriptor),
        WITH_SOCKETS(test_receive_goes_on_when_interrupted),
        WITH_SOCKETS(test_receive_a_failure_is_its_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
