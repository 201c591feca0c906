/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins/shared/process/child.c: waiting for a child and releasing it. The kernel's notifications
 * are the test's own, so that it can be an old one (the argument is its release), be interrupted
 * everywhere, and bring what only a hostile guest would send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include <cmocka.h>

#include "plugins/shared/process/child.h"
#include "plugins/shared/process/stub-head.h"
#include "plugins/shared/process/zygote-host.h"

#define SITE 0x60
#define OTHER_SITE 0x70 /* of the stub's second page */
#define FRAME (SCONCE_CONTROL_AT + 0xf000)
#define LISTENER 1234
#define PIDFD 1235

/* ---- A zygote's text with the heads of a stub of two pages --------------------------------- */

_Alignas(8) const uint8_t sconce_zygote_text[SCONCE_STUB_PAGE + sizeof(struct sconce_stub_head)] = {
    'S', 'T', 'U', 'B', SITE, [SCONCE_STUB_PAGE] = 'S', 'T', 'U', 'B', OTHER_SITE};
const uint8_t sconce_zygote_text_end[1] = {0};

/* ---- The kernel ---------------------------------------------------------------------------- */

/* What the next RECVs and polls do; both are used up in order. */
struct step {
    int error;                /* errno, or */
    struct seccomp_notif got; /* what is received */
    short revents;            /* of a poll */
};
static struct step receives[8], polls[8], answers[4];
static unsigned received, polled, answered;
static struct seccomp_notif_resp last_answer;
static const char *release;
static bool dead; /* what a look at the pidfd finds */

int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_uname(struct utsname *name);

static int fail_with(int error)
{
    errno = error;
    return error ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    assert_int_equal(fd, LISTENER);
    if (request == SECCOMP_IOCTL_NOTIF_SEND) {
        last_answer = *(struct seccomp_notif_resp *)argument;
        return fail_with(answers[answered++].error);
    }
    assert_int_equal(request, SECCOMP_IOCTL_NOTIF_RECV);
    for (size_t i = 0; i < sizeof(struct seccomp_notif); i++)
        assert_int_equal(((uint8_t *)argument)[i], 0); /* else EINVAL: seccomp_unotify(2) */
    assert_true(received < 8);
    *(struct seccomp_notif *)argument = receives[received].got;
    return fail_with(receives[received++].error);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    assert_int_equal(count, 2);
    if (timeout == 0) {
        assert_int_equal(fds[0].fd, PIDFD);
        assert_int_equal(fds[1].fd, LISTENER);
        fds[0].revents = 0;
        fds[1].revents = dead ? POLLHUP : 0; /* it may be seen dead a while later */
        return dead;
    }
    assert_int_equal(fds[0].fd, LISTENER);
    assert_int_equal(fds[1].fd, PIDFD);
    assert_true(polled < 8);
    fds[0].revents = polls[polled].revents;
    fds[1].revents = dead ? POLLIN : 0;
    return fail_with(polls[polled++].error) ? -1 : 1;
}

int __wrap_uname(struct utsname *name)
{
    memset(name, 0, sizeof *name);
    snprintf(name->release, sizeof name->release, "%s", release);
    return 0;
}

/* ---- The child ----------------------------------------------------------------------------- */

static uint8_t control[SCONCE_CONTROL_BYTES];
static struct sconce_child child;
static int number;

static bool polls_first(void)
{
    unsigned major = 0, minor = 0;

    assert_int_equal(sscanf(release, "%u.%u", &major, &minor), 2);
    return SCONCE_ALWAYS_POLL || major * 1000 + minor < 6011;
}

static int start_over(void **state)
{
    (void)state;
    memset(receives, 0, sizeof receives);
    memset(polls, 0, sizeof polls);
    memset(answers, 0, sizeof answers);
    memset(control, 0, sizeof control);
    received = polled = answered = 0;
    dead = false;
    for (size_t i = 0; i < 8; i++)
        polls[i].revents = POLLIN;
    child = (struct sconce_child){.pidfd = PIDFD, .listener = LISTENER, .control = control};
    number = 0;
    return 0;
}

static struct seccomp_notif report(uint64_t id, uint64_t signal, uint64_t frame)
{
    return (struct seccomp_notif){
        .id = id,
        .pid = 4711,
        .data = {.nr = SYS_sched_yield,
                 .instruction_pointer = SCONCE_STUB_AT + SITE,
                 .args = {signal, frame}},
    };
}

static void test_wait_learns_signal_and_frame(void **state)
{
    (void)state;
    receives[0].got = report(9, SIGSEGV, FRAME);
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_STOPPED);
    assert_int_equal(number, SIGSEGV);
    assert_int_equal(child.notification, 9);
    assert_int_equal(child.pid, 4711);
    assert_int_equal(child.frame, FRAME);
    assert_int_equal(polled, polls_first() ? 1 : 0);
}

static void test_wait_goes_on_when_interrupted(void **state)
{
    (void)state;
    receives[0].error = EINTR;
    receives[1].error = ENOENT; /* interrupted before it was heard, but not dead */
    receives[2].error = EINTR;
    receives[3].got = report(9, SIGTRAP, FRAME);
    polls[1].error = EINTR;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_STOPPED);
    assert_int_equal(number, SIGTRAP);
    assert_int_equal(received, 4);
    assert_int_equal(polled, polls_first() ? 5 : 0);
}

static void test_wait_for_a_dead_child_is_gone(void **state)
{
    (void)state;
    receives[0].error = ENOENT;
    dead = true;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_GONE);
}

/* Old kernels would sleep for ever in RECV: it is not called when poll(2) tells of no message. */
static void test_wait_for_a_dead_childs_listener_does_not_receive(void **state)
{
    (void)state;
    if (!polls_first())
        skip();
    polls[0].revents = 0; /* nobody has reaped it, so the listener does not hang up */
    dead = true;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_GONE);
    assert_int_equal(received, 0);
}

static void test_wait_a_failure_is_its_negative_errno(void **state)
{
    (void)state;
    receives[0].error = EFAULT;
    assert_int_equal(sconce_child_wait(&child, &number), -EFAULT);
    start_over(state);
    if (!polls_first())
        return;
    polls[0].error = ENOMEM;
    assert_int_equal(sconce_child_wait(&child, &number), -ENOMEM);
    assert_int_equal(received, 0);
}

/* The freezer or SIGSTOP interrupted it: the kernel makes the report again, with another id. */
static void test_wait_a_released_stop_is_told_again(void **state)
{
    const struct seccomp_notif first = report(1, SIGSEGV, FRAME), again = report(2, SIGSEGV, FRAME);

    (void)state;
    receives[0].got = first;
    receives[1].got = again;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_STOPPED);
    assert_int_equal(sconce_child_release(&child), 0);
    number = -1;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_AGAIN);
    assert_int_equal(number, -1);
    assert_int_equal(sconce_child_release(&child), 0);
    assert_int_equal(last_answer.id, 2);
}

static void expect_forged(const struct seccomp_notif *got)
{
    const uint64_t frame = child.frame;

    received = 0;
    receives[0].got = *got;
    number = -1;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_FORGED);
    assert_int_equal(number, -1);
    assert_int_equal(child.frame, frame);
}

static void test_wait_a_report_from_elsewhere_is_forged(void **state)
{
    static const uint64_t places[] = {0,
                                      SITE,
                                      SCONCE_STUB_AT,
                                      SCONCE_STUB_AT + SITE - 2,
                                      SCONCE_STUB_AT + SITE + 1,
                                      SCONCE_STUB_AT + OTHER_SITE,
                                      SCONCE_STUB_AT | SITE | 1ull << 40};
    struct seccomp_notif got = report(3, SIGTRAP, FRAME);

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        got.data.instruction_pointer = places[i];
        expect_forged(&got);
    }
}

static void test_wait_a_report_from_the_other_page_is_its_own_childs(void **state)
{
    struct seccomp_notif got = report(3, SIGTRAP, FRAME);

    (void)state;
    child.stub = 1;
    expect_forged(&got);
    received = 0;
    receives[0].got.data.instruction_pointer = SCONCE_STUB_AT + OTHER_SITE;
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_STOPPED);
}

static void test_wait_another_system_call_is_forged(void **state)
{
    struct seccomp_notif got = report(3, SIGTRAP, FRAME);

    (void)state;
    got.data.nr = SYS_getpid;
    expect_forged(&got);
}

static void test_wait_a_frame_elsewhere_is_forged(void **state)
{
    static const uint64_t places[] = {0, FRAME + 8, FRAME - 64, FRAME | 1ull << 40, UINT64_MAX};
    struct seccomp_notif got;

    (void)state;
    receives[0].got = report(1, SIGTRAP, FRAME); /* the first one says where frames are */
    assert_int_equal(sconce_child_wait(&child, &number), SCONCE_CHILD_STOPPED);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        got = report(2, SIGTRAP, places[i]);
        expect_forged(&got);
    }
}

static void test_release_answers_and_says_where_the_frame_is(void **state)
{
    uint64_t frame;

    (void)state;
    child.frame = FRAME;
    child.notification = 42;
    assert_int_equal(sconce_child_release(&child), 0);
    memcpy(&frame, control + SCONCE_CONTROL_FRAME, sizeof frame);
    assert_int_equal(frame, FRAME);
    assert_int_equal(last_answer.id, 42);
    assert_int_equal(last_answer.error | last_answer.val | last_answer.flags, 0);
}

static void test_release_nobody_is_left_to_the_next_wait(void **state)
{
    (void)state;
    answers[0].error = ENOENT;
    assert_int_equal(sconce_child_release(&child), 0);
    answers[1].error = EINPROGRESS;
    assert_int_equal(sconce_child_release(&child), 0);
    answers[2].error = EBADF;
    assert_int_equal(sconce_child_release(&child), -EBADF);
}

static void test_release_interrupted_is_done_again(void **state)
{
    (void)state;
    child.notification = 42;
    answers[0].error = answers[1].error = EINTR;
    assert_int_equal(sconce_child_release(&child), 0);
    assert_int_equal(answered, 3);
    assert_int_equal(last_answer.id, 42);
}

static void test_cpu_time_is_the_processes(void **state)
{
    uint64_t before, after;

    (void)state;
    assert_int_equal(sconce_child_cpu_ns(&child), 0); /* which one is not known yet */
    child.pid = (uint32_t)getpid();
    before = sconce_child_cpu_ns(&child);
    do
        after = sconce_child_cpu_ns(&child);
    while (after == before);
    assert_true(before > 0 && after > before);
    child.pid = 0x400001; /* beyond what Linux gives: include/linux/threads.h, PID_MAX_LIMIT */
    assert_int_equal(sconce_child_cpu_ns(&child), 0);
}

static void test_frame_must_lie_on_the_alternate_stack(void **state)
{
    static const struct {
        uint64_t at, bytes;
    } bad[] = {
        {0, 8},
        {SCONCE_CONTROL_AT, 8},
        {SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET - 1, 8},
        {SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - 7, 8},
        {SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES + 1, 0},
        {SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET, SCONCE_ALTSTACK_BYTES + 1},
        {SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET, UINT64_MAX},
        {UINT64_MAX, 1},
        {SCONCE_CONTROL_AT - 1, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        child.frame = bad[i].at;
        assert_null(sconce_child_frame(&child, bad[i].bytes));
    }
    child.frame = SCONCE_CONTROL_AT + SCONCE_ALTSTACK_OFFSET;
    assert_ptr_equal(sconce_child_frame(&child, SCONCE_ALTSTACK_BYTES),
                     control + SCONCE_ALTSTACK_OFFSET);
    child.frame = SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - 8;
    assert_ptr_equal(sconce_child_frame(&child, 8), control + SCONCE_CONTROL_BYTES - 8);
}

static void test_spawn_memory_without_a_descriptor_is_invalid(void **state)
{
    const struct sconce_plugin_mappings mappings = {
        .count = 1, .ranges = {{.handle_kind = SCONCE_HANDLE_NONE}}};
    struct sconce_plugin_error error = {.size = sizeof error};

    (void)state;
    assert_int_equal(sconce_child_spawn(&child, &mappings, 0, &error), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "memory without a descriptor cannot be given to a process");
}

static void test_end_takes_none(void **state)
{
    struct sconce_child none = SCONCE_CHILD_EMPTY;

    (void)state;
    sconce_child_end(&none);
    sconce_child_end(&none);
    assert_int_equal(none.pidfd, -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_wait_learns_signal_and_frame, start_over),
        cmocka_unit_test_setup(test_wait_goes_on_when_interrupted, start_over),
        cmocka_unit_test_setup(test_wait_for_a_dead_child_is_gone, start_over),
        cmocka_unit_test_setup(test_wait_for_a_dead_childs_listener_does_not_receive, start_over),
        cmocka_unit_test_setup(test_wait_a_failure_is_its_negative_errno, start_over),
        cmocka_unit_test_setup(test_wait_a_released_stop_is_told_again, start_over),
        cmocka_unit_test_setup(test_wait_a_report_from_elsewhere_is_forged, start_over),
        cmocka_unit_test_setup(test_wait_a_report_from_the_other_page_is_its_own_childs,
                               start_over),
        cmocka_unit_test_setup(test_wait_another_system_call_is_forged, start_over),
        cmocka_unit_test_setup(test_wait_a_frame_elsewhere_is_forged, start_over),
        cmocka_unit_test_setup(test_release_answers_and_says_where_the_frame_is, start_over),
        cmocka_unit_test_setup(test_release_nobody_is_left_to_the_next_wait, start_over),
        cmocka_unit_test_setup(test_release_interrupted_is_done_again, start_over),
        cmocka_unit_test_setup(test_cpu_time_is_the_processes, start_over),
        cmocka_unit_test_setup(test_frame_must_lie_on_the_alternate_stack, start_over),
        cmocka_unit_test_setup(test_spawn_memory_without_a_descriptor_is_invalid, start_over),
        cmocka_unit_test_setup(test_end_takes_none, start_over),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s RELEASE\n", argv[0]);
        return 2;
    }
    release = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
