/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest as its libc sees a process: one thread, no handler that could ever run, and an end.
 * What ends it fills the error; the host's process is never touched.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/error.h"
#include "personality/trap.h"

#define SIGNALS 64u
#define SIGNAL_KILL 9u
#define SIGNAL_STOP 19u
#define SIGNAL_SET_BYTES 8u
#define SIGNAL_ACTION_BYTES 32u /* handler, flags, restorer, mask */
#define SIGNAL_STATUS 128       /* a shell's: 128 and the signal */
#define STACK_DISABLED 2u       /* SS_DISABLE */

#define FUTEX_FLAGS (128u | 256u) /* FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME */
#define FUTEX_WAIT_ 0u
#define FUTEX_WAKE_ 1u
#define FUTEX_WAIT_BITSET_ 9u
#define FUTEX_WAKE_BITSET_ 10u
#define DEADLOCK_CODE 35 /* EDEADLK */
#define NS_PER_SECOND 1000000000

#define RLIMITS 16u
#define RLIMIT_STACK_ 3u

#define ARCH_SET_FS_ 0x1002u

int64_t trap_exit(struct trap *trap)
{
    int status = (int)(trap->args[0] & 0xff);

    trap->ended =
        sconce_fail(trap->err, SCONCE_E_GUEST_EXIT, "the guest exited with status %d", status);
    if (trap->err)
        trap->err->guest_code = status;
    return 0;
}

/* ---- Signals --------------------------------------------------------------------------------- */

const char *sconce_personality_signal_name(uint32_t number)
{
    static const char *const names[] = {
        NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
    };

    return number < sizeof names / sizeof names[0] ? names[number] : NULL;
}

/* No handler runs: a signal that is sent is the end, as its default is. */
static int64_t send_signal(struct trap *trap, uint64_t number)
{
    uint32_t signal = (uint32_t)number;
    const char *name = sconce_personality_signal_name(signal);
    char text[24];

    if (signal > SIGNALS)
        return ERR_INVAL;
    if (!signal)
        return 0;
    snprintf(text, sizeof text, "signal %u", signal);
    trap->ended = sconce_fail(trap->err, SCONCE_E_GUEST_ABORT, "the guest killed itself with %s",
                              name ? name : text);
    if (trap->err)
        trap->err->guest_code = SIGNAL_STATUS + (int)signal;
    return 0;
}

/* An int, of which the guest's upper half says nothing. */
static int32_t id_of(uint64_t arg)
{
    return (int32_t)(uint32_t)arg;
}

/* Its own process, its own group, or all that it may signal. */
int64_t trap_kill(struct trap *trap)
{
    int32_t id = id_of(trap->args[0]);

    return id >= -1 && id <= ONLY_ID ? send_signal(trap, trap->args[1]) : ERR_SRCH;
}

int64_t trap_tkill(struct trap *trap)
{
    if (id_of(trap->args[0]) <= 0)
        return ERR_INVAL;
    return id_of(trap->args[0]) == ONLY_ID ? send_signal(trap, trap->args[1]) : ERR_SRCH;
}

int64_t trap_tgkill(struct trap *trap)
{
    if (id_of(trap->args[0]) <= 0 || id_of(trap->args[1]) <= 0)
        return ERR_INVAL;
    if (id_of(trap->args[0]) != ONLY_ID || id_of(trap->args[1]) != ONLY_ID)
        return ERR_SRCH;
    return send_signal(trap, trap->args[2]);
}

/* The new one is read, and forgotten; the old one is always the default. */
static int64_t exchange(struct trap *trap, uint64_t fresh, uint64_t old, size_t bytes)
{
    uint8_t ignored[SIGNAL_ACTION_BYTES];

    if (fresh && !trap_read(trap, ignored, fresh, bytes))
        return ERR_FAULT;
    if (old && !trap_clear(trap, old, bytes))
        return ERR_FAULT;
    return 0;
}

int64_t trap_rt_sigaction(struct trap *trap)
{
    uint32_t signal = (uint32_t)trap->args[0];

    if (trap->args[3] != SIGNAL_SET_BYTES || !signal || signal > SIGNALS ||
        (trap->args[1] && (signal == SIGNAL_KILL || signal == SIGNAL_STOP)))
        return ERR_INVAL;
    return exchange(trap, trap->args[1], trap->args[2], SIGNAL_ACTION_BYTES);
}

int64_t trap_rt_sigprocmask(struct trap *trap)
{
    if (trap->args[3] != SIGNAL_SET_BYTES || (trap->args[1] && (uint32_t)trap->args[0] > 2))
        return ERR_INVAL;
    return exchange(trap, trap->args[1], trap->args[2], SIGNAL_SET_BYTES);
}

int64_t trap_sigaltstack(struct trap *trap)
{
    const struct {
        uint64_t start;
        uint32_t flags, padding;
        uint64_t bytes;
    } none = {.flags = STACK_DISABLED};
    uint8_t ignored[sizeof none];

    if (trap->args[0] && !trap_read(trap, ignored, trap->args[0], sizeof ignored))
        return ERR_FAULT;
    if (trap->args[1] && !trap_write(trap, trap->args[1], &none, sizeof none))
        return ERR_FAULT;
    return 0;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Nobody else runs, so nobody will ever change the word. */
static int64_t wait_for(struct trap *trap)
{
    uint64_t address = trap->args[0];
    int64_t timeout[2];
    uint32_t word;

    if (address % sizeof word)
        return ERR_INVAL;
    if (trap->args[3]) {
        if (!trap_read(trap, timeout, trap->args[3], sizeof timeout))
            return ERR_FAULT;
        if (timeout[0] < 0 || timeout[1] < 0 || timeout[1] >= NS_PER_SECOND)
            return ERR_INVAL;
    }
    if (!trap_read(trap, &word, address, sizeof word))
        return ERR_FAULT;
    if (word != (uint32_t)trap->args[2])
        return ERR_AGAIN;
    if (trap->args[3])
        return ERR_TIMEDOUT;
    trap->ended = sconce_fail(
        trap->err, SCONCE_E_GUEST_ABORT,
        "the guest waits for a futex at 0x%" PRIx64 " that no thread can wake: deadlock", address);
    if (trap->err)
        trap->err->guest_code = DEADLOCK_CODE;
    return 0;
}

int64_t trap_futex(struct trap *trap)
{
    switch ((uint32_t)trap->args[1] & ~FUTEX_FLAGS) {
    case FUTEX_WAIT_:
    case FUTEX_WAIT_BITSET_:
        return wait_for(trap);
    case FUTEX_WAKE_:
    case FUTEX_WAKE_BITSET_:
        return 0;
    default:
        return trap_deny(trap);
    }
}

/* ---- Limits, and the thread pointer --------------------------------------------------------- */

static int64_t tell_limit(const struct trap *trap, uint64_t resource, uint64_t address)
{
    uint64_t limit =
        (uint32_t)resource == RLIMIT_STACK_ ? trap->p->settings.stack_bytes : UINT64_MAX;
    const uint64_t soft_and_hard[2] = {limit, limit};

    return trap_write(trap, address, soft_and_hard, sizeof soft_and_hard) ? 0 : ERR_FAULT;
}

int64_t trap_prlimit64(struct trap *trap)
{
    if (id_of(trap->args[0]) != 0 && id_of(trap->args[0]) != ONLY_ID)
        return ERR_SRCH;
    if ((uint32_t)trap->args[1] >= RLIMITS)
        return ERR_INVAL;
    if (trap->args[2])
        return ERR_PERM;
    return trap->args[3] ? tell_limit(trap, trap->args[1], trap->args[3]) : 0;
}

int64_t trap_getrlimit(struct trap *trap)
{
    if ((uint32_t)trap->args[0] >= RLIMITS)
        return ERR_INVAL;
    return tell_limit(trap, trap->args[0], trap->args[1]);
}

int64_t trap_arch_prctl(struct trap *trap)
{
    int r;

    if (trap->args[0] != ARCH_SET_FS_)
        return ERR_INVAL;
    r = trap->p->ops->set_tls(trap->p->ctx, trap->args[1], trap->err);
    if (r < 0)
        trap->ended = r;
    return r ? ERR_PERM : 0;
}
