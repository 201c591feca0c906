/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How no kick is lost and none is stale:
 *  - A kicker adds itself and KICKED to the word in one step, and only while RUNNING is set; the
 *    runner clears RUNNING and then waits for the kickers under way. So a kick belongs to exactly
 * one run, its thread is alive when it is signalled, and a run that was kicked says so.
 *  - The signal handler looks at the word, not at the signal: it asks the backend to stop only for
 * a run that is kicked or past its deadline. A late signal finds nothing to do.
 *  - The backend consumes a kick before vcpu_run returns, and the exit loop looks at the word after
 *    that: a kick is seen by the one or stops the next vcpu_run.
 *
 * The timer is the thread's and is armed lazily: when it is due no later than the new deadline it
 * is left alone, and the handler moves it on. A busy thread makes one timer system call a period,
 * not one a call.
 */
#include "core/run.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/lock.h"
#include "common/process.h"

#define WORD_RUNNING 1ull
#define WORD_KICKED 2ull
#define WORD_ONE_KICKER 4ull

#define RESIGNAL_NS 100000ull /* between repeated kicks: a few system calls long */

/* What a thread that runs sandboxes needs; freed with the thread. */
struct thread_run {
    struct sconce_run *volatile current; /* innermost; outer ones are linked */
    volatile uint64_t armed_ns;          /* when the timer is due, 0 when it is not armed */
    timer_t timer;
    uint32_t process; /* timers are not inherited over fork() */
    int signal;       /* of the timer; 0 when there is none yet */
    pid_t tid;
};

/* Initial-exec: the handler must not be the first to touch a lazily allocated block. */
static _Thread_local struct thread_run thread_run __attribute__((tls_model("initial-exec")));

/* Signal dispositions belong to the process, so this cannot live in a runtime. */
static struct {
    struct sconce_lock lock;
    bool installed[NSIG];
    struct sigaction before[NSIG];
    pthread_key_t thread_end;
    bool has_key;
} kick;

/* Carried by our signals, so that those of others can be told apart. */
static char our_mark;

SCONCE_HOT static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Async-signal-safe (POSIX). */
static void arm_timer(struct thread_run *thread, uint64_t due_ns)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(due_ns / 1000000000u),
                     .tv_nsec = (long)(due_ns % 1000000000u)},
    };

    thread->armed_ns = due_ns;
    timer_settime(thread->timer, TIMER_ABSTIME, &when, NULL);
}

SCONCE_HOT static bool past_deadline(const struct sconce_run *run, uint64_t now)
{
    return now >= atomic_load_explicit(&run->deadline_ns, memory_order_relaxed);
}

static bool must_stop(struct sconce_run *run, uint64_t now)
{
    return (atomic_load_explicit(&run->word, memory_order_acquire) & WORD_KICKED) ||
           past_deadline(run, now) || (run->watch && run->watch(run));
}

static uint64_t watch_due(const struct sconce_run *run, uint64_t now)
{
    return run->watch ? now + SCONCE_RUN_WATCH_NS : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void stop_vcpu(struct sconce_run *run)
{
    if (run->relay)
        run->relay(run);
    else
        run->kick_local(run->vm);
}

/* Stops every run of this thread that must stop, and sets the timer for the next that will have to.
 * Was there one to stop? */
static bool stop_due_runs(struct thread_run *thread)
{
    uint64_t now = now_ns(), next = UINT64_MAX;
    bool found = false;

    for (struct sconce_run *run = thread->current; run; run = run->outer) {
        uint64_t deadline = atomic_load_explicit(&run->deadline_ns, memory_order_relaxed);
        uint64_t again = now + RESIGNAL_NS;

        next = least(next, watch_due(run, now));
        if (!must_stop(run, now)) {
            next = least(next, deadline);
            continue;
        }
        found = true;
        stop_vcpu(run);
        if ((run->relay || run->kick_style == SCONCE_KICK_RESIGNAL) &&
            atomic_load_explicit(&run->in_vcpu, memory_order_relaxed) && again < next)
            next = again;
    }
    if (next != UINT64_MAX)
        arm_timer(thread, next);
    return found;
}

static void on_signal(int signal, siginfo_t *info, void *context);

static int install_handler(int signal)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, NULL);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *before = &kick.before[signal];

    if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(signal, info, context);
    } else if (before->sa_handler == SIG_DFL) {
        sigset_t only;

        if (signal == SIGURG) /* ignored by default */
            return;
        /* What would have happened without us; it is delivered as soon as it is unblocked. */
        sigaction(signal, before, NULL);
        sigemptyset(&only);
        sigaddset(&only, signal);
        raise(signal);
        pthread_sigmask(SIG_UNBLOCK, &only, NULL);
        install_handler(signal); /* still here: the first process of a container is not killed */
    } else if (before->sa_handler != SIG_IGN) {
        before->sa_handler(signal);
    }
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    struct thread_run *thread = &thread_run;
    bool timer = info->si_code == SI_TIMER && info->si_value.sival_ptr == &our_mark;
    bool ours = timer || (info->si_code == SI_QUEUE && info->si_value.sival_ptr == &our_mark);
    int saved_errno = errno;

    if (timer)
        thread->armed_ns = 0;
    /* Where the kernel has no memory left for a kick's origin it comes without one. */
    if (thread->signal && thread->process == sconce_process_id() && stop_due_runs(thread) &&
        info->si_code == SI_USER && !info->si_pid)
        ours = true;
    if (!ours)
        pass_on(signal, info, context);
    errno = saved_errno;
}

static void end_thread(void *value)
{
    struct thread_run *thread = value;

    if (thread->signal && thread->process == sconce_process_id())
        timer_delete(thread->timer);
    thread->signal = 0;
}

int sconce_kick_signal_install(int signal, struct sconce_error *err)
{
    int r = 0;

    sconce_process_id();
    sconce_lock_take(&kick.lock);
    if (!kick.has_key && pthread_key_create(&kick.thread_end, end_thread))
        r = sconce_fail(err, SCONCE_E_SYSTEM, "cannot watch threads end: no key is left");
    else
        kick.has_key = true;
    if (!r && !kick.installed[signal]) {
        /* Read before it is replaced: the handler may run at once. */
        struct sigaction before;

        sigaction(signal, NULL, &before);
        if (!(before.sa_flags & SA_SIGINFO) || before.sa_sigaction != on_signal)
            kick.before[signal] = before;
        if (install_handler(signal))
            r = sconce_fail_errno(err, SCONCE_E_SYSTEM, errno,
                                  "cannot install a handler for signal %d", signal);
        else
            kick.installed[signal] = true;
    }
    sconce_lock_give(&kick.lock);
    return r;
}

/* The calling thread's timer for @signal, made at its first run in this process. */
SCONCE_HOT static int prepare_thread(struct thread_run *thread, int signal,
                                     struct sconce_error *err)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};
    sigset_t set;

    if (thread->signal == signal && thread->process == sconce_process_id())
        return 0;
    if (thread->process != sconce_process_id())
        thread->current = NULL; /* the parent's: this child was forked in a host function */
    if (thread->current)
        return sconce_fail(
            err, SCONCE_E_INVALID,
            "a sandbox of a runtime with another kick signal is running on this thread");
    end_thread(thread);
    thread->tid = (pid_t)syscall(SYS_gettid);
    event._sigev_un._tid = thread->tid;
    event.sigev_value.sival_ptr = &our_mark;
    sigemptyset(&set);
    sigaddset(&set, signal);
    if (pthread_sigmask(SIG_UNBLOCK, &set, NULL))
        return sconce_fail(err, SCONCE_E_SYSTEM, "cannot unblock signal %d", signal);
    if (timer_create(CLOCK_MONOTONIC, &event, &thread->timer))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot create a deadline timer");
    thread->armed_ns = 0;
    thread->process = sconce_process_id();
    thread->signal = signal;
    pthread_setspecific(kick.thread_end, thread);
    return 0;
}

void sconce_run_init(struct sconce_run *run, int signal, const struct sconce_backend *backend,
                     struct sconce_plugin_vm *vm)
{
    atomic_init(&run->word, 0);
    atomic_init(&run->deadline_ns, UINT64_MAX);
    atomic_init(&run->tid, 0);
    atomic_init(&run->in_vcpu, false);
    run->signal = signal;
    run->process = sconce_process_id();
    run->kick_style = backend->probe.kick_style;
    run->kick_local = backend->ops.vcpu_kick_local;
    run->vm = vm;
    run->outer = NULL;
    run->relay = NULL;
    run->watch = NULL;
}

SCONCE_HOT int sconce_run_begin(struct sconce_run *run, uint64_t timeout_ns,
                                struct sconce_error *err)
{
    struct thread_run *thread = &thread_run;
    uint64_t due, deadline = UINT64_MAX;
    int r = prepare_thread(thread, run->signal, err);

    if (r < 0)
        return r;
    if (timeout_ns != UINT64_MAX && __builtin_add_overflow(now_ns(), timeout_ns, &deadline))
        deadline = UINT64_MAX;

    atomic_store_explicit(&run->deadline_ns, deadline, memory_order_relaxed);
    atomic_store_explicit(&run->tid, thread->tid, memory_order_relaxed);
    run->outer = thread->current;
    atomic_store_explicit(&run->word, WORD_RUNNING, memory_order_release);
    thread->current = run;
    /* From here on the handler sees this run; a timer that goes off before the look at armed_ns has
     * been set again by it, and one that goes off later will be. */
    atomic_signal_fence(memory_order_seq_cst);
    due = run->watch ? least(deadline, watch_due(run, now_ns())) : deadline;
    if (due != UINT64_MAX && (!thread->armed_ns || thread->armed_ns > due))
        arm_timer(thread, due);
    return 0;
}

SCONCE_HOT uint32_t sconce_run_stop_reason(const struct sconce_run *run)
{
    if (atomic_load_explicit(&run->word, memory_order_acquire) & WORD_KICKED)
        return SCONCE_STOP_KICKED;
    if (atomic_load_explicit(&run->deadline_ns, memory_order_relaxed) == UINT64_MAX)
        return SCONCE_STOP_NONE;
    return past_deadline(run, now_ns()) ? SCONCE_STOP_DEADLINE : SCONCE_STOP_NONE;
}

SCONCE_HOT bool sconce_run_is_here(const struct sconce_run *run)
{
    const struct sconce_run *mine = thread_run.current;

    while (mine && mine != run)
        mine = mine->outer;
    return mine;
}

SCONCE_HOT bool sconce_run_end(struct sconce_run *run)
{
    const struct timespec moment = {.tv_nsec = 50000};
    uint64_t word;

    thread_run.current = run->outer;
    atomic_signal_fence(memory_order_seq_cst);
    word = atomic_fetch_and_explicit(&run->word, ~WORD_RUNNING, memory_order_acq_rel);
    if (run->process != sconce_process_id())
        return false; /* a child that returned from the parent's host function: kickers stayed there
                       */
    /* Kickers still hold our thread's id; they are a few instructions from done, unless they wait
     * for the core that a thread of higher priority spins on. */
    for (unsigned turn = 0;
         atomic_load_explicit(&run->word, memory_order_acquire) >= WORD_ONE_KICKER; turn++) {
        if (turn < 100)
            sched_yield();
        else
            nanosleep(&moment, NULL);
    }
    return word & WORD_KICKED;
}

static void send_kick(const struct sconce_run *run)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = run->signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_value.sival_ptr = &our_mark;
    syscall(SYS_rt_tgsigqueueinfo, info.si_pid,
            atomic_load_explicit(&run->tid, memory_order_relaxed), run->signal, &info);
}

bool sconce_run_kick(struct sconce_run *run)
{
    uint64_t word = atomic_load_explicit(&run->word, memory_order_acquire);
    int saved_errno = errno;

    if (run->process != sconce_process_id())
        return false;
    do {
        if (!(word & WORD_RUNNING))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&run->word, &word,
                                                    (word | WORD_KICKED) + WORD_ONE_KICKER,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (run->kick_style == SCONCE_KICK_NATIVE && !run->relay)
        run->kick_local(run->vm);
    else
        send_kick(run);
    atomic_fetch_sub_explicit(&run->word, WORD_ONE_KICKER, memory_order_acq_rel);
    errno = saved_errno;
    return true;
}
