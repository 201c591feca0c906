/* SPDX-License-Identifier: Apache-2.0 */
#include "count-syscalls.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "written for x86_64"
#endif

/* Not in the libc headers of every system that builds this. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2 /* si_code of SIGSYS */
#endif
#define PASS ((char)0)
#define CATCH ((char)1)

#define RESTORER 0x04000000ul /* SA_RESTORER; the kernel's */
#define SYSCALL_BYTES 2

/* The kernel's struct sigaction: libc would put its own restorer in, whose system call is caught.
 */
struct kernel_action {
    void (*handler)(int number, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* The one system call that is let through by where it is: a signal's handler must be left while
 * everything else is caught. */
__asm__(".pushsection .text\n"
        ".global count_syscalls_return\n"
        ".hidden count_syscalls_return\n"
        ".type count_syscalls_return, @function\n"
        "count_syscalls_return:\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        "count_syscalls_return_end:\n"
        "    ud2\n"
        ".size count_syscalls_return, . - count_syscalls_return\n"
        ".popsection\n");
extern void count_syscalls_return(void);

/* mov, syscall, and a byte: the kernel looks at where the next instruction is. */
#define RETURN_BYTES 8u

static volatile char selector;
static volatile uint64_t total;
static volatile bool whole;

static long make(long number, const greg_t *regs)
{
    register long r10 __asm__("r10") = (long)regs[REG_R10];
    register long r8 __asm__("r8") = (long)regs[REG_R8];
    register long r9 __asm__("r9") = (long)regs[REG_R9];
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(regs[REG_RDI]), "S"(regs[REG_RSI]), "d"(regs[REG_RDX]),
                       "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static bool starts_somebody(long number)
{
    return number == SYS_clone || number == SYS_clone3 || number == SYS_fork || number == SYS_vfork;
}

/* The mask is to stay when the return from this signal puts the other one back. But for this very
 * signal: the kernel ends a process in which it is blocked when it is due. */
static void keep_mask(ucontext_t *context)
{
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &context->uc_sigmask, sizeof(uint64_t));
    sigdelset(&context->uc_sigmask, SIGSYS);
}

static void on_syscall(int signal, siginfo_t *info, void *context)
{
    ucontext_t *here = context;
    greg_t *regs = here->uc_mcontext.gregs;
    long number = info->si_syscall;

    (void)signal;
    selector = PASS;
    total++;
    if (starts_somebody(number)) {
        /* It comes back twice, or on another stack: it is made where it was, and not seen again. */
        whole = false;
        regs[REG_RIP] -= SYSCALL_BYTES;
        regs[REG_RAX] = number;
        return;
    }
    if (number == SYS_rt_sigreturn) {
        /* Of another signal's handler. The stack is as it needs it. */
        regs[REG_RIP] = (greg_t)(uintptr_t)count_syscalls_return;
    } else {
        regs[REG_RAX] = make(number, regs);
        if (number == SYS_rt_sigprocmask)
            keep_mask(here);
    }
    selector = CATCH;
}

bool count_syscalls_begin(void)
{
    /* It may come within itself: another signal's handler makes system calls, too. */
    const struct kernel_action action = {.handler = on_syscall,
                                         .flags = SA_SIGINFO | SA_NODEFER | RESTORER,
                                         .restorer = count_syscalls_return};

    if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof action.mask) < 0)
        return false;
    selector = PASS;
    total = 0;
    whole = true;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, count_syscalls_return, RETURN_BYTES,
              &selector) < 0)
        return false;
    selector = CATCH;
    return true;
}

uint64_t count_syscalls_end(bool *ret_whole)
{
    selector = PASS;
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
    *ret_whole = whole;
    return total;
}
