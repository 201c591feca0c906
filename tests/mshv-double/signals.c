/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signal ends RUN_VP? As all are blocked outside of KVM_RUN, the kernel queues even those
 * that the client ignores, which without that would have vanished when they were sent.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define KERNEL_SIGSET_BYTES 8

/* struct sigaction as rt_sigaction(2) has it on x86_64. */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static bool is_ignored(int signal)
{
    struct kernel_action action = {0};

    double_sys(SYS_rt_sigaction, signal, 0, (long)&action, KERNEL_SIGSET_BYTES, 0, 0);
    if (action.handler == SIG_DFL)
        return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
    return action.handler == SIG_IGN;
}

bool double_signals_end_run(uint64_t client_signals)
{
    const struct timespec now = {0, 0};
    uint64_t pending = 0, ignored = 0;

    double_sys(SYS_rt_sigpending, (long)&pending, KERNEL_SIGSET_BYTES, 0, 0, 0, 0);
    pending &= ~client_signals;
    for (int signal = 1; signal <= 64; signal++)
        if ((pending >> (signal - 1) & 1) && is_ignored(signal))
            ignored |= 1ull << (signal - 1);
    if (pending != ignored)
        return true;
    while (ignored && double_sys(SYS_rt_sigtimedwait, (long)&ignored, 0, (long)&now,
                                 KERNEL_SIGSET_BYTES, 0, 0) > 0)
        ;
    return false;
}
