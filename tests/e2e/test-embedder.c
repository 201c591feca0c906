/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that has a life of its own: children that it waits for, handlers, masks, programs
 * that it executes. Whatever a backend does for its guests, the program sees nothing of it.
 */
#include "e2e.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 25u
#define STATUS 7

static int call(struct sconce_sandbox *sandbox, const char *function)
{
    struct sconce_error err;

    return sconce_sandbox_call(sandbox, function, NULL, 0, NULL, &err);
}

static struct sconce_snapshot *snapshot_of(struct sconce_sandbox *sandbox)
{
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    return snapshot;
}

static void restore(struct sconce_sandbox *sandbox, const struct sconce_snapshot *snapshot)
{
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_restore(sandbox, snapshot, &err), &err);
}

/* ---- The program's children ---------------------------------------------------------------- */

/* All that it has made. A child is in the list before it may end. */
static _Atomic pid_t own[ROUNDS];
static atomic_uint own_count, reaped, strangers, signals;
static atomic_bool reaping, no_more;

static bool is_own(pid_t pid)
{
    for (unsigned i = 0; i < atomic_load(&own_count); i++)
        if (atomic_load(&own[i]) == pid)
            return true;
    return false;
}

static void on_child(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    atomic_fetch_add(&signals, 1);
    if (!is_own(info->si_pid) || info->si_code != CLD_EXITED || info->si_status != STATUS)
        atomic_fetch_add(&strangers, 1);
}

/* As a supervisor does it: takes whatever there is. */
static void *reap(void *arg)
{
    (void)arg;
    atomic_store(&reaping, true);
    for (;;) {
        bool last = atomic_load(&no_more);
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid > 0) {
            atomic_fetch_add(&reaped, 1);
            if (!is_own(pid) || !WIFEXITED(status) || WEXITSTATUS(status) != STATUS)
                atomic_fetch_add(&strangers, 1);
        } else if (pid < 0 && errno == ECHILD && last) {
            return NULL;
        }
        sched_yield();
    }
}

static void make_own_child(void)
{
    int go[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid = fork();
    if (!pid) {
        close(go[1]);
        while (read(go[0], &byte, 1) < 0 && errno == EINTR)
            ;
        _exit(STATUS);
    }
    assert_true(pid > 0);
    atomic_store(&own[atomic_load(&own_count)], pid);
    atomic_fetch_add(&own_count, 1);
    close(go[0]);
    close(go[1]);
}

/* ---- Its faults ---------------------------------------------------------------------------- */

static sigjmp_buf recovery;
static volatile void *nowhere; /* an address that it may not touch */
static volatile unsigned own_faults, other_faults;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (info->si_addr != nowhere) {
        other_faults++;
        abort();
    }
    own_faults++;
    siglongjmp(recovery, 1);
}

static void fault_and_recover(void)
{
    unsigned before = own_faults;

    if (sigsetjmp(recovery, 1) == 0)
        *(volatile char *)nowhere = 1;
    assert_int_equal(own_faults, before + 1);
}

/* ---- What the kernel says of its threads --------------------------------------------------- */

#define SIGNALS_TEXT_BYTES 1024u

/* The masks of every thread and the dispositions of all, without the one signal that libsconce.3
 * says it handles and unblocks. */
static void describe_signals(char *ret_text)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    size_t used = 0;

    ret_text[0] = '\0';
    while ((entry = readdir(dir))) {
        char path[300], line[256], name[16];
        unsigned long long set;
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof line, file)) {
            if (strncmp(line, "Sig", 3) != 0 || sscanf(line, "%15[^:]: %llx", name, &set) != 2 ||
                strcmp(name, "SigQ") == 0 || strcmp(name, "SigPnd") == 0)
                continue;
            used += (size_t)snprintf(ret_text + used, SIGNALS_TEXT_BYTES - used, "%s %s %llx\n",
                                     entry->d_name, name, set & ~(1ull << (SIGURG - 1)));
        }
        if (file)
            fclose(file);
    }
    closedir(dir);
    assert_in_range(used, 1, SIGNALS_TEXT_BYTES - 1);
}

static void *kick_when_running(void *arg)
{
    struct sconce_sandbox *sandbox = arg;

    while (sconce_sandbox_kick(sandbox) != 1)
        sched_yield();
    return NULL;
}

/* A sandbox's whole life. */
static void live_once(struct sconce_guest *faults, struct sconce_guest *hang)
{
    struct sconce_sandbox *sandbox = e2e_sandbox(faults, NULL), *spinner;
    struct sconce_snapshot *snapshot = snapshot_of(sandbox);
    pthread_t kicker;

    fault_and_recover();
    assert_int_equal(call(sandbox, "null_write"), SCONCE_E_GUEST_FAULT);
    fault_and_recover();
    assert_int_equal(call(sandbox, "null_write"), SCONCE_E_STATE);
    restore(sandbox, snapshot);
    assert_int_equal(call(sandbox, "undefined_instruction"), SCONCE_E_GUEST_FAULT);
    sconce_snapshot_free(snapshot);

    spinner = e2e_sandbox(hang, NULL);
    pthread_create(&kicker, NULL, kick_when_running, spinner);
    assert_int_equal(call(spinner, "spin"), SCONCE_E_KICKED);
    pthread_join(kicker, NULL);
    fault_and_recover();
    sconce_sandbox_free(spinner);
    sconce_sandbox_free(sandbox);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigaction(number, &action, NULL);
}

static void test_embedder_sees_its_own_children_and_faults_alone(void **state)
{
    static char before[SIGNALS_TEXT_BYTES], after[SIGNALS_TEXT_BYTES];
    struct sconce_runtime *runtime;
    struct sconce_guest *faults, *hang;
    stack_t stack_before, stack_after;
    sigset_t some, unblocked;
    pthread_t reaper;

    (void)state;
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    install(SIGCHLD, on_child);
    install(SIGSEGV, on_fault);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &some, &unblocked); /* the reaper inherits it */
    pthread_create(&reaper, NULL, reap, NULL);
    while (!atomic_load(&reaping)) /* a thread begins with every signal blocked */
        sched_yield();
    sigaltstack(NULL, &stack_before);
    describe_signals(before);

    runtime = e2e_runtime();
    faults = e2e_guest(runtime, "faults");
    hang = e2e_guest(runtime, "hang");
    fault_and_recover();
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_own_child();
        live_once(faults, hang);
    }
    describe_signals(after);
    assert_string_equal(before, after);
    sigaltstack(NULL, &stack_after);
    assert_ptr_equal(stack_before.ss_sp, stack_after.ss_sp);
    assert_int_equal(stack_before.ss_flags, stack_after.ss_flags);
    sconce_guest_free(faults);
    sconce_guest_free(hang);
    sconce_runtime_free(runtime);
    fault_and_recover();

    atomic_store(&no_more, true);
    pthread_join(reaper, NULL);
    assert_int_equal(atomic_load(&reaped), ROUNDS);
    assert_in_range(atomic_load(&signals), 1, ROUNDS);
    assert_int_equal(atomic_load(&strangers), 0);
    assert_int_equal(other_faults, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
    pthread_sigmask(SIG_SETMASK, &unblocked, NULL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    munmap((void *)nowhere, 4096);
}

/* ---- Programs that it executes ------------------------------------------------------------- */

#define COUNT_FDS "--count-fds"

static int count_inherited(void)
{
    pid_t pid = fork();
    int status = -1;

    if (!pid) {
        execl("/proc/self/exe", "test-embedder", COUNT_FDS, (char *)NULL);
        _exit(255);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

static void *make_sandboxes(void *arg)
{
    while (!atomic_load(&no_more))
        sconce_sandbox_free(e2e_sandbox(arg, NULL));
    return NULL;
}

static void test_embedder_gives_a_program_that_it_executes_no_descriptor(void **state)
{
    int before = count_inherited();
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "counter");
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    pthread_t maker;

    (void)state;
    atomic_store(&no_more, false);
    pthread_create(&maker, NULL, make_sandboxes, guest);
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_int_equal(count_inherited(), before);
    atomic_store(&no_more, true);
    pthread_join(maker, NULL);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedder_sees_its_own_children_and_faults_alone),
        cmocka_unit_test(test_embedder_gives_a_program_that_it_executes_no_descriptor),
    };

    if (argc > 1 && strcmp(argv[1], COUNT_FDS) == 0)
        return (int)e2e_fds();
    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
