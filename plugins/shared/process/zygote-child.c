/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a guest's process out of a copy of the zygote: its memory, its filters, its signals.
 * Freestanding. The last step is the stub's (raw_stub_finish): the zygote's code goes then.
 */
#include "plugins/shared/process/zygote.h"

#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/seccomp.h>
#include <linux/signal.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/stub-head.h"

#define EVERY_SIGNAL UINT64_MAX

static uint8_t *const control = (uint8_t *)SCONCE_CONTROL_AT;

/* The stub's page, once it lies in the child. */
static const struct sconce_stub_head *const head = (const struct sconce_stub_head *)SCONCE_STUB_AT;

static void note_step(uint32_t step)
{
    *(volatile uint32_t *)(void *)(control + SCONCE_CONTROL_STEP) = step;
}

/* The step before @result failed when that is negative. */
static void must(long result)
{
    if (result >= 0)
        return;
    *(volatile uint32_t *)(void *)(control + SCONCE_CONTROL_ERROR) = (uint32_t)-result;
    zygote_end(1);
}

static long map_fixed(uint64_t at, uint64_t bytes, uint32_t prot, int32_t fd, uint64_t offset)
{
    return CALL(mmap, at, bytes, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, offset);
}

/*
 * The listener's filter; the descriptor. Without SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, under
 * which a stopped guest could not be frozen: no container with an idle sandbox could be paused, no
 * machine suspended.
 */
static long install_listener(void)
{
    return CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                SCONCE_STUB_AT + head->listener);
}

static uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

/* What stops a guest: its own faults, and the host's kick. */
static const uint8_t stops[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGUSR1};

static void install_signals(void)
{
    const uint64_t handler = SCONCE_STUB_AT + head->handler;
    const struct raw_sigaction action = {
        .handler = handler,
        .flags = SA_SIGINFO | SA_ONSTACK | RAW_SA_RESTORER,
        .restorer = handler, /* never returned to */
        .mask = EVERY_SIGNAL,
    };
    uint64_t blocked = EVERY_SIGNAL;

    for (size_t i = 0; i < COUNT(stops); i++) {
        must(CALL(rt_sigaction, stops[i], &action, NULL, sizeof action.mask));
        blocked &= ~signal_bit(stops[i]);
    }
    must(CALL(sigaltstack, SCONCE_STUB_AT + offsetof(struct sconce_stub_head, altstack), NULL));
    must(CALL(rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof blocked));
}

static void map_guest(const struct zygote_spawn *spawn)
{
    for (uint32_t i = 0; i < spawn->request.range_count; i++) {
        const struct sconce_spawn_range *range = &spawn->request.ranges[i];

        must(map_fixed(range->gpa, range->bytes, range->prot, spawn->rights.fds[range->fd],
                       range->offset));
    }
}

void zygote_run_child(const struct zygote_spawn *spawn)
{
    static const uint32_t limits[] = {RLIMIT_NOFILE, RLIMIT_NPROC};
    const struct sconce_zygote_start *start = spawn->start;
    const struct rlimit64 zero = {0, 0};
    const struct sconce_reply reply = {.kind = SCONCE_REPLY_LISTENER};
    const int32_t socket = spawn->rights.fds[SCONCE_SPAWN_REPLY];
    long r = map_fixed(SCONCE_CONTROL_AT, SCONCE_CONTROL_BYTES, PROT_READ | PROT_WRITE,
                       spawn->rights.fds[SCONCE_SPAWN_CONTROL], 0);

    if (r < 0) {
        zygote_send_error(socket, SCONCE_REPLY_LISTENER, SCONCE_STEP_MAP_CONTROL, r);
        zygote_end(1);
    }
    CALL(prctl, PR_SET_NAME, "sconce-guest");
    note_step(SCONCE_STEP_PREPARE);
    must(raw_prepare_child());
    note_step(SCONCE_STEP_PARENT_DEATH);
    must(CALL(prctl, PR_SET_PDEATHSIG, SIGKILL));
    if (CALL(getppid) != spawn->zygote_pid)
        zygote_end(1);

    /* The page of the zygote's own copy; the filters and the guest's exits are in it. */
    note_step(SCONCE_STEP_MAP_STUB);
    must(CALL(mremap, raw_stub + spawn->request.number * SCONCE_STUB_PAGE, SCONCE_STUB_PAGE,
              SCONCE_STUB_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, SCONCE_STUB_AT));
    note_step(SCONCE_STEP_MAP_GUEST);
    map_guest(spawn);

    note_step(SCONCE_STEP_LISTENER);
    r = install_listener();
    must(r);
    note_step(SCONCE_STEP_SEND_LISTENER);
    must(zygote_send(socket, &reply, (int32_t)r));
    note_step(SCONCE_STEP_CLOSE_FDS);
    must(CALL(close_range, 0, UINT32_MAX, 0));
    note_step(SCONCE_STEP_RLIMIT);
    for (size_t i = 0; i < COUNT(limits); i++)
        must(CALL(prlimit64, 0, limits[i], &zero, NULL));
    note_step(SCONCE_STEP_SIGNALS);
    install_signals();
    note_step(SCONCE_STEP_FILTER);
    ((raw_stub_finish_fn)(SCONCE_STUB_AT + head->finish))(start->text_at, start->text_bytes,
                                                          start->data_at, start->data_bytes);
}
