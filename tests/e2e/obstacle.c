/* SPDX-License-Identifier: Apache-2.0 */
#include "obstacle.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#define NOBODY 65534u

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3 */
#endif

static int install(struct sock_filter *code, size_t count, unsigned flags)
{
    struct sock_fprog program = {(unsigned short)count, code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Little-endian, and of the one architecture that the tests run on. */
int obstacle_refuse(const struct obstacle_call *call)
{
    const uint16_t compare = call->match == OBSTACLE_EQUALS     ? BPF_JEQ
                             : call->match == OBSTACLE_HAS_BITS ? BPF_JSET
                                                                : BPF_JGE; /* than 0 */
    const uint32_t value = call->match == OBSTACLE_ALWAYS ? 0 : call->value;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 (uint32_t)offsetof(struct seccomp_data, args) + 8 * call->argument),
        BPF_JUMP((uint16_t)(BPF_JMP | compare | BPF_K), value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)call->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    return install(code, sizeof code / sizeof code[0], 0);
}

int obstacle_listen(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    int listener = install(&allow, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER);

    /* Whoever execs keeps it: a listener that nobody has is none. */
    return listener < 0 ? -1 : fcntl(listener, F_SETFD, 0);
}

int obstacle_no_processes(void)
{
    const struct rlimit none = {0, 0};

    /* A sanitizer's looking for leaks would need a thread. */
    if (setenv("ASAN_OPTIONS", "detect_leaks=0", 1))
        return -1;
    if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
                           setresuid(NOBODY, NOBODY, NOBODY)))
        return -1;
    return setrlimit(RLIMIT_NPROC, &none);
}

static int forbid_executable_memfds(void)
{
    int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);
    ssize_t written = fd < 0 ? -1 : write(fd, "2", 1);

    if (fd < 0)
        return -1;
    close(fd);
    if (written != 1)
        return -1;
    /* Is it in force? */
    fd = memfd_create("executable", MFD_CLOEXEC | MFD_EXEC);
    if (fd >= 0) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return 0;
}

int obstacle_no_executable_memfds(void)
{
    int status = -1;
    pid_t first;

    if (unshare(CLONE_NEWPID))
        return -1;
    first = fork();
    if (first < 0)
        return -1;
    if (first == 0)
        return forbid_executable_memfds();
    waitpid(first, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}
