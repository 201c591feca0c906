/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor's zygote, a small static program that process-child.c starts: for every memfd that it
 * is sent it forks a child that locks itself up and rings the doorbell for ever. The fewest steps
 * that have the shape of a process backend: what the floor costs is what the mechanism costs. It is
 * no sandbox: a guest in it could read what is left of this program.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pass.h"
#include "shape.h"

#if !defined(__x86_64__)
#error "the stub is written for x86_64"
#endif

/* A number that no kernel serves (afs_syscall): the one that the listener hears of. */
#define NOTIFY_NR 183

/*
 * The guest: `out` at privilege 3 is a #GP, which becomes SIGSEGV. The handler notifies the host,
 * sets the signal stack again and returns to the frame, which the host has edited meanwhile. The
 * kernel refuses sigaltstack while rsp is in the signal stack, so rsp is 0 there. rdx is the
 * ucontext, and rt_sigreturn wants rsp to point at it.
 */
__asm__(".pushsection .text.floor, \"ax\", @progbits\n"
        ".balign 64\n"
        "floor_guest:\n"
        "    out %al, $0x5c\n"
        "    jmp floor_guest\n"
        "floor_spin:\n" /* where the host sends it that wants to kick it */
        "    jmp floor_spin\n"
        "floor_stub:\n"
        "    mov $183, %eax\n" /* NOTIFY_NR */
        "    syscall\n"
        "    xor %esp, %esp\n"
        "    mov $floor_stack, %edi\n"
        "    xor %esi, %esi\n"
        "    mov $131, %eax\n" /* sigaltstack */
        "    syscall\n"
        "    mov %rdx, %rsp\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        "    ud2\n"
        "floor_stub_end:\n"
        ".popsection\n");

extern const char floor_stub[], floor_stub_end[];
void floor_guest(void);

const stack_t floor_stack = {.ss_sp = (void *)FLOOR_BASE, .ss_size = FLOOR_STACK_BYTES};

/* What the kernel takes, not what libc's sigaction does. */
struct kernel_sigaction {
    const void *handler;
    unsigned long flags;
    const void *restorer;
    unsigned long mask;
};

#define SA_RESTORER 0x04000000ul /* of asm/signal.h, which clashes with signal.h */

static int zygote_set_up(void)
{
    const struct kernel_sigaction action = {floor_stub, SA_SIGINFO | SA_ONSTACK | SA_RESTORER,
                                            floor_stub, ~0ul};

    /* Children inherit all of this. Nobody waits for them: the host has their pidfd. */
    if (syscall(SYS_rt_sigaction, SIGSEGV, &action, NULL, sizeof action.mask) < 0 ||
        syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, sizeof action.mask) < 0 ||
        sigaltstack(&floor_stack, NULL) < 0 || signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define IF(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_##test | BPF_K, value, yes, no)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##action)

static int install(const struct sock_filter *code, unsigned short count, unsigned flags)
{
    /* The kernel reads it alone. */
    const struct sock_fprog program = {count, (struct sock_filter *)(uintptr_t)code};

    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int install_listener(void)
{
    const struct sock_filter code[] = {
        LOAD(nr),
        IF(JEQ, NOTIFY_NR, 0, 1),
        RETURN(USER_NOTIF),
        RETURN(ALLOW),
    };

    return install(code, sizeof code / sizeof *code, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

/* This program is linked below 4 GiB, so the upper halves of its addresses are 0. */
static int install_wall(void)
{
    const struct sock_filter code[] = {
        LOAD(arch),
        IF(JEQ, AUDIT_ARCH_X86_64, 0, 14),
        LOAD_HIGH(instruction_pointer),
        IF(JEQ, 0, 0, 12),
        LOAD(instruction_pointer),
        IF(JGE, (uint32_t)(uintptr_t)floor_stub, 0, 10),
        IF(JGT, (uint32_t)(uintptr_t)floor_stub_end, 9, 0),
        LOAD(nr),
        IF(JEQ, NOTIFY_NR, 6, 0),
        IF(JEQ, SYS_rt_sigreturn, 5, 0),
        IF(JEQ, SYS_sigaltstack, 0, 5),
        LOAD_HIGH(args[0]),
        IF(JEQ, 0, 0, 3),
        LOAD(args[0]),
        IF(JEQ, (uint32_t)(uintptr_t)&floor_stack, 0, 1),
        RETURN(ALLOW),
        RETURN(KILL_PROCESS),
    };

    return install(code, sizeof code / sizeof *code, 0);
}

static int map_memory(int memfd, int count)
{
    for (int i = 0; i < count; i++) {
        unsigned long offset = (unsigned long)i * FLOOR_STRIDE_BYTES;
        int access = i == 1 ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE;

        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the point */
        if (mmap((void *)(FLOOR_BASE + offset), FLOOR_MAPPING_BYTES, access,
                 MAP_SHARED | MAP_FIXED_NOREPLACE, memfd, (off_t)offset) == MAP_FAILED)
            return -1;
    }
    return 0;
}

static void send_failure(void)
{
    pass_send(FLOOR_SOCKET, &(struct pass_message){PASS_FAILED, errno, -1});
}

/* Does not return. Dies with the zygote, which dies with the host: nobody else would answer it. */
static void run_child(int memfd, int count)
{
    int listener;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || map_memory(memfd, count) < 0 ||
        (listener = install_listener()) < 0) {
        send_failure();
        _exit(1);
    }
    if (pass_send(FLOOR_SOCKET, &(struct pass_message){PASS_LISTENER, 0, listener}) == 0 &&
        close_range(0, ~0u, 0) == 0 && install_wall() == 0)
        floor_guest();
    _exit(1); /* the host sees that the listener has hung up */
}

int main(void)
{
    struct pass_message order;

    if (zygote_set_up() < 0) {
        send_failure();
        return 1;
    }
    while (pass_receive(FLOOR_SOCKET, &order) > 0) {
        int pidfd = -1;
        long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0);

        if (pid == 0)
            run_child(order.fd, order.value);
        if (pid < 0)
            send_failure();
        else
            pass_send(FLOOR_SOCKET, &(struct pass_message){PASS_PIDFD, 0, pidfd});
        close(pidfd);
        close(order.fd);
    }
    return 0;
}
