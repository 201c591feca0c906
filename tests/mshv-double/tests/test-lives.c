/* SPDX-License-Identifier: Apache-2.0 */
/* How long partitions and VPs live, whatever becomes of their descriptors: other threads, forks,
 * handlers that do not return, duplicates that fail. */
#include "runner.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNKNOWN_MSR 0x12001234u
#define MSR_ACTION 0x50017u

static int get_through(int fd, uint32_t name, struct value *ret_value)
{
    struct {
        uint64_t partition;
        uint32_t vp, vtl, name;
    } in = {.name = name};
    struct call call = {0x50, 1, 20, sizeof *ret_value, .in = &in, .out = ret_value};

    return client_call(fd, &call);
}

static void test_closed_vp_answers_its_partition(void **state)
{
    struct machine m;
    struct value value = {0, 0};

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, R15, 0x77);
    close(m.vp);
    assert_int_equal(get_through(m.pt, R15, &value), 0);
    assert_int_equal(value.low, 0x77);
    m.vp = -1;
    machine_free(&m);
}

static void test_closed_partition_goes_on_for_its_vp(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x0f, 0x32, 0xf4)); /* rdmsr; hlt */
    client_set(&m, RCX, UNKNOWN_MSR);
    assert_int_equal(client_set_property(m.pt, MSR_ACTION, 1, NULL), 0);
    close(m.pt);
    m.pt = -1;
    assert_int_equal(client_run(&m), HALT); /* the MSR was read as zero */
    machine_free(&m);
}

static void test_duplicate_that_fails_changes_nothing(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_fails(dup2(9999, m.vp), EBADF);
    assert_fails(dup3(m.pt, m.vp, 0x1234), EINVAL);
    assert_fails(close_range((unsigned)m.vp, (unsigned)m.vp, 0x100), EINVAL);
    assert_int_equal(client_run(&m), IO_PORT);
    machine_free(&m);
}

static void test_duplicate_over_a_vp_takes_its_place(void **state)
{
    struct machine m;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(dup2(null, m.vp), m.vp);
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), ENOTTY);
    close(null);
    machine_free(&m);
}

static void test_closing_a_range_closes_what_is_in_it(void **state)
{
    unsigned before;
    struct machine m;
    int far;

    (void)state;
    close_range(100, ~0u, 0); /* what was inherited */
    before = client_descriptors(1024);
    machine_new(&m, CODE(0xf4));
    far = fcntl(m.vp, F_DUPFD_CLOEXEC, 100);
    assert_true(far >= 100);
    close(m.vp);
    m.vp = far;
    /* What the double has for itself is not the client's to close. */
    assert_int_equal(close_range((unsigned)far + 1, ~0u, 0), 0);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(close_range((unsigned)far, (unsigned)far, 0), 0);
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), EBADF);
    machine_free(&m);
    assert_int_equal(client_descriptors(1024), before);
}

/* Numbers of files that the double has not seen closing are another file's: here /dev/zero. */
static void assert_not_answered(int fd)
{
    int one = 1, zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    uint8_t *page;

    if (zero != fd) {
        assert_int_equal(syscall(SYS_dup2, zero, fd), fd);
        close(zero);
    }
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    assert_int_equal(page[0], 0);
    munmap(page, 4096);
    assert_int_equal(ioctl(fd, FIONBIO, &one), 0);
    close(fd);
}

static void test_number_of_a_file_that_was_closed_unseen_is_not_answered(void **state)
{
    struct machine m;
    FILE *stream;
    int event;

    (void)state;
    machine_new(&m, CODE(0xf4));
    stream = fdopen(m.vp, "r+");
    assert_non_null(stream);
    fclose(stream);
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), EBADF);
    assert_not_answered(m.vp);
    /* One of the same kind of file, to the kernel. */
    event = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(syscall(SYS_dup2, event, m.pt), m.pt);
    assert_fails(ioctl(m.pt, INITIALIZE), ENOTTY);
    close(event);
    assert_not_answered(m.pt);
    m.pt = m.vp = -1;
    machine_free(&m);
}

static void test_calls_that_every_file_knows_are_the_kernels(void **state)
{
    struct machine m;
    int one = 1;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(ioctl(m.vp, FIONCLEX), 0);
    assert_int_equal(fcntl(m.vp, F_GETFD), 0);
    assert_int_equal(ioctl(m.vp, FIOCLEX), 0);
    assert_int_equal(fcntl(m.vp, F_GETFD), FD_CLOEXEC);
    assert_int_equal(ioctl(m.pt, FIONBIO, &one), 0);
    machine_free(&m);
}

static void test_closefrom_closes_all_from_there(void **state)
{
    struct machine m;
    int low;

    (void)state;
    machine_new(&m, CODE(0xf4));
    low = m.dev;
    close(m.file);
    closefrom(low);
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), EBADF);
    assert_not_answered(m.vp);
    assert_not_answered(m.pt);
    munmap(m.ram, RAM_BYTES + 0x1000);
    /* And a new machine works. */
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

/* ---- Other threads -------------------------------------------------------------------------- */

static void *duplicate_thread(void *argument)
{
    struct runner *r = argument;

    __atomic_store_n(&r->ready, true, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&r->done, __ATOMIC_SEQ_CST)) {
        int copy = dup(r->m.vp), other;

        close(copy);
        other = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close(other);
    }
    return NULL;
}

static void test_calls_do_not_fail_while_duplicates_come_and_go(void **state)
{
    struct runner r = {0};

    (void)state;
    machine_new(&r.m, CODE(0xe6, 0x42, 0xeb, 0xfc));
    assert_int_equal(pthread_create(&r.thread, NULL, duplicate_thread, &r), 0);
    while (!__atomic_load_n(&r.ready, __ATOMIC_SEQ_CST))
        sched_yield();
    for (int i = 0; i < 3000; i++) {
        struct value value;

        assert_int_equal(client_run(&r.m), IO_PORT);
        assert_int_equal(get_through(r.m.vp, 0x40005, &value), 0); /* XFEM: asks KVM */
    }
    __atomic_store_n(&r.done, true, __ATOMIC_SEQ_CST);
    pthread_join(r.thread, NULL);
    machine_free(&r.m);
}

/* ---- Forks ---------------------------------------------------------------------------------- */

/* In a child whose parent runs the VP. Returns what was wrong. */
static int child_closes(struct machine *m, unsigned before)
{
    if (ioctl(m->vp, 0x1234) != -1 || errno != ENOTTY) /* waits for nobody */
        return 1;
    close(m->vp);
    close(m->pt);
    close(m->dev);
    close(m->file);
    return client_descriptors(1024) == before ? 0 : 2;
}

static void test_child_of_a_runner_has_what_it_inherits_and_no_more(void **state)
{
    unsigned before = client_descriptors(1024), now;
    struct runner r;
    int status;
    pid_t child;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    now = client_descriptors(1024);
    runner_start(&r);
    runner_wait(&r);
    child = fork();
    if (child == 0)
        _exit(client_descriptors(1024) != now ? 3 : child_closes(&r.m, before));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    runner_wait(&r);
    runner_stop(&r);
    machine_free(&r.m);
}

static void test_child_can_close_what_its_parent_has_closed_in_a_run(void **state)
{
    unsigned before = client_descriptors(1024);
    struct runner r;
    int status;
    pid_t child;

    (void)state;
    runner_take(SIGUSR1, 0);
    runner_new(&r);
    runner_start(&r);
    runner_wait(&r);
    close(r.m.vp);
    child = fork();
    if (child == 0) {
        close(r.m.pt);
        close(r.m.dev);
        close(r.m.file);
        _exit(client_descriptors(1024) != before);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    runner_stop(&r);
    r.m.vp = -1;
    machine_free(&r.m);
}

/* ---- Handlers that do not return ------------------------------------------------------------ */

static sigjmp_buf back;
static unsigned jumps;

static void jump(int signal)
{
    (void)signal;
    jumps++;
    siglongjmp(back, 1);
}

static void *kick_thread(void *argument)
{
    struct runner *r = argument;
    pthread_t runner = r->thread;

    runner_wait(r);
    pthread_kill(runner, SIGUSR2);
    return NULL;
}

static void test_handler_that_jumps_out_of_a_run_leaves_nothing_behind(void **state)
{
    static unsigned before;
    static struct runner r;
    static pthread_t kicker;

    (void)state;
    before = client_descriptors(1024);
    jumps = 0;
    runner_new(&r);
    r.thread = pthread_self();
    signal(SIGUSR2, jump);
    if (!sigsetjmp(back, 1)) {
        assert_int_equal(pthread_create(&kicker, NULL, kick_thread, &r), 0);
        client_run(&r.m);
        fail_msg("the handler has returned");
    }
    pthread_join(kicker, NULL);
    assert_int_equal(jumps, 1);
    signal(SIGUSR2, SIG_DFL);
    assert_int_equal(client_get(&r.m, 0), 1); /* EXPLICIT_SUSPEND: the VP can be used */
    machine_free(&r.m);
    assert_int_equal(client_descriptors(1024), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_vp_answers_its_partition),
        cmocka_unit_test(test_closed_partition_goes_on_for_its_vp),
        cmocka_unit_test(test_duplicate_that_fails_changes_nothing),
        cmocka_unit_test(test_duplicate_over_a_vp_takes_its_place),
        cmocka_unit_test(test_closing_a_range_closes_what_is_in_it),
        cmocka_unit_test(test_number_of_a_file_that_was_closed_unseen_is_not_answered),
        cmocka_unit_test(test_calls_that_every_file_knows_are_the_kernels),
        cmocka_unit_test(test_closefrom_closes_all_from_there),
        cmocka_unit_test(test_calls_do_not_fail_while_duplicates_come_and_go),
        cmocka_unit_test(test_child_of_a_runner_has_what_it_inherits_and_no_more),
        cmocka_unit_test(test_child_can_close_what_its_parent_has_closed_in_a_run),
        cmocka_unit_test(test_handler_that_jumps_out_of_a_run_leaves_nothing_behind),
    };

    return CLIENT_MAIN(tests);
}
