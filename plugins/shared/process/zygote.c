/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zygote's birth. It is a single-threaded process without memory, files or rights of its
 * host's, that forks a child for each guest. Freestanding: it has its code, a stack, and system
 * calls.
 *
 * It is made without exec, so that its exit signal stays 0 and no SIGCHLD ever reaches the host;
 * and by a process that shared the host's memory, so that what the kernel keeps in a thread's
 * memory (rseq) is not inherited. Its children die with it, and it ends when the host is gone or
 * closes its socket. Nothing here runs in a process that has run a guest.
 */
#include "plugins/shared/process/zygote.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "plugins/shared/process/layout.h"

#define SIGNALS 64
#define SCHED_OTHER_ 0 /* SCHED_NORMAL, as sched(7) has it */

/* All descriptors but two. */
static long close_others(int32_t a, int32_t b)
{
    const int32_t low = a < b ? a : b, high = a < b ? b : a;
    long r = 0;

    if (low > 0)
        r = CALL(close_range, 0, low - 1, 0);
    if (r >= 0 && high - low > 1)
        r = CALL(close_range, low + 1, high - 1, 0);
    return r < 0 ? r : CALL(close_range, high + 1, UINT32_MAX, 0);
}

/* Handlers are the host's code, which is about to go. */
static void forget_handlers(void)
{
    const struct raw_sigaction by_default = {.handler = 0}, ignored = {.handler = 1};

    for (int number = 1; number <= SIGNALS; number++)
        CALL(rt_sigaction, number, number == SIGCHLD ? &ignored : &by_default, NULL,
             sizeof by_default.mask);
}

/* Nobody's scheduling class, processors and limit of descriptors: whose thread came first, and
 * when, is chance. Failures leave what was. */
static void be_ordinary(void)
{
    uint64_t processors[128];
    struct rlimit64 files;
    const int32_t priority = 0;

    if (CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        CALL(prlimit64, 0, RLIMIT_NOFILE, &files, NULL);
    }

    for (size_t i = 0; i < COUNT(processors); i++)
        processors[i] = UINT64_MAX;
    CALL(sched_setaffinity, 0, sizeof processors, processors);
    CALL(sched_setscheduler, 0, SCHED_OTHER_, &priority);
    CALL(personality, 0); /* no READ_IMPLIES_EXEC */
    CALL(setsid);
    CALL(chdir, "/"); /* and nobody's file system is kept busy */
    CALL(prctl, PR_SET_NAME, "sconce-zygote");
}

/* No file can be opened, and nothing signalled or connected to, even by who got past seccomp. */
static uint32_t restrict_files(void)
{
    /* Rights by version: Documentation/userspace-api/landlock.rst. */
    static const uint8_t fs_rights[] = {0, 13, 14, 15, 15, 16};
    const uint64_t tcp_bind_and_connect = 3, scope_abstract_socket_and_signal = 3;
    struct {
        uint64_t fs, net, scoped;
    } rules = {0, 0, 0};
    long abi = CALL(landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    size_t bytes = sizeof rules.fs;
    long fd, r;

    if (abi < 1)
        return 0;
    rules.fs =
        (1ull << fs_rights[(size_t)abi < COUNT(fs_rights) ? (size_t)abi : COUNT(fs_rights) - 1]) -
        1;
    if (abi >= 4) {
        rules.net = tcp_bind_and_connect;
        bytes += sizeof rules.net;
    }
    if (abi >= 6) {
        rules.scoped = scope_abstract_socket_and_signal;
        bytes += sizeof rules.scoped;
    }
    fd = CALL(landlock_create_ruleset, &rules, bytes, 0);
    if (fd < 0)
        return 0;
    r = CALL(landlock_restrict_self, fd, 0);
    CALL(close, fd);
    return r < 0 ? 0 : SCONCE_LAYER_LANDLOCK;
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    CALL(capset, &head, none);
}

static long limit_resources(void)
{
    static const uint32_t limits[] = {RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
    const struct rlimit64 zero = {0, 0};
    long r = 0;

    for (size_t i = 0; i < COUNT(limits) && r >= 0; i++)
        r = CALL(prlimit64, 0, limits[i], &zero, NULL);
    return r;
}

/* [from, end of user space). Where that is depends on the page tables' levels, and is found by
 * trying; x86_64 keeps the last page to itself. */
static long unmap_above(uint64_t from)
{
    static const uint8_t bits[] = {56, 52, 48, 47, 42, 39};
    long r = -EINVAL;

    for (size_t i = 0; i < 2 * COUNT(bits) && r == -EINVAL; i++) {
        const uint64_t end = (1ull << bits[i / 2]) - (i % 2 ? SCONCE_STUB_PAGE : 0);

        if (end > from)
            r = CALL(munmap, from, end - from);
    }
    return r;
}

/* Everything of the host's: all but text and data. */
static long unmap_host(const struct sconce_zygote_start *start)
{
    const int text_first = start->text_at < start->data_at;
    const uint64_t low_at = text_first ? start->text_at : start->data_at;
    const uint64_t low_end = low_at + (text_first ? start->text_bytes : start->data_bytes);
    const uint64_t high_at = text_first ? start->data_at : start->text_at;
    const uint64_t high_end = high_at + (text_first ? start->data_bytes : start->text_bytes);
    long r = CALL(munmap, 0, low_at);

    if (r >= 0 && high_at > low_end)
        r = CALL(munmap, low_end, high_at - low_end);
    return r < 0 ? r : unmap_above(high_end);
}

_Static_assert(RAW_START_FLAGS == (CLONE_VM | CLONE_FILES | CLONE_VFORK), "linux/sched.h");

static void run_zygote(const struct sconce_zygote_start *start, uint32_t layers)
    __attribute__((noreturn));
static void run_zygote(const struct sconce_zygote_start *start, uint32_t layers)
{
    struct sconce_reply reply = {.kind = SCONCE_REPLY_ZYGOTE};
    long r;

    forget_handlers();
    reply.step = SCONCE_STEP_PREPARE;
    r = raw_prepare();
    if (r >= 0) {
        reply.step = SCONCE_STEP_NO_NEW_PRIVS;
        r = CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    if (r >= 0) {
        reply.step = SCONCE_STEP_CLOSE_FDS;
        r = close_others(start->socket_fd, start->host_fd);
    }
    if (r >= 0) {
        be_ordinary();
        layers |= restrict_files();
        drop_capabilities();
        CALL(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
        reply.step = SCONCE_STEP_RLIMIT;
        r = limit_resources();
    }
    if (r >= 0) {
        struct pollfd socket = {start->socket_fd, POLLIN, 0};
        const uint64_t at_once[2] = {0, 0}; /* struct timespec */

        reply.step = SCONCE_STEP_WAIT;
        r = CALL(ppoll, &socket, 1, at_once, NULL, 0);
    }
    if (r >= 0) {
        reply.step = SCONCE_STEP_UNMAP;
        r = unmap_host(start);
    }
    reply.error = r < 0 ? (int32_t)-r : 0;
    reply.layers = layers;
    zygote_send(start->socket_fd, &reply, -1);
    if (r < 0)
        zygote_end(1);
    zygote_serve(start);
}

/*
 * Runs in a process of its own that shares the host's memory, on the stack of @start's region, with
 * every signal blocked; makes the zygote its sibling, and returns. A zygote that a debugger of the
 * host followed would stop at every exit of every guest, hence CLONE_UNTRACED.
 */
int raw_launch(struct sconce_zygote_start *start)
{
    const unsigned long flags = CLONE_PARENT | CLONE_PIDFD | CLONE_UNTRACED;
    /* No mount namespace: it would keep every file system busy, and a guest has no path to name. */
    const unsigned long walls =
        CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    uint32_t layers = SCONCE_LAYER_USER_NS;
    long pid = -1;

    if (start->layers & SCONCE_LAYER_USER_NS)
        pid = CALL(clone, flags | walls, 0, &start->pidfd);
    if (pid < 0) {
        layers = 0;
        pid = CALL(clone, flags, 0, &start->pidfd);
    }
    if (pid == 0)
        run_zygote(start, layers);
    start->error = 0;
    if (pid < 0) {
        start->error = (int32_t)-pid;
        start->pidfd = -1; /* the kernel may have told one before it failed */
    }
    return 0;
}
