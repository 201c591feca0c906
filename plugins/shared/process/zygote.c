/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zygote: a single-threaded process without memory, files or rights of its host's, that forks a
 * child for each guest. Freestanding: it has this code, a stack, and system calls.
 *
 * It is made without exec, so that its exit signal stays 0 and no SIGCHLD ever reaches the host;
 * and by a process that shared the host's memory, so that what the kernel keeps in a thread's
 * memory (rseq) is not inherited. Its children die with it, and it ends when the host is gone or
 * closes its socket. Nothing here runs in a process that has run a guest.
 */
#include <stddef.h>
#include <stdint.h>

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/landlock.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/protocol.h"
#include "plugins/shared/process/raw.h"
#include "plugins/shared/process/stub-head.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIGNALS 64
#define EVERY_SIGNAL UINT64_MAX

/* The kernel's headers have none of these for programs without a C library. */
#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_NOSIGNAL_ 0x4000
#define MSG_CMSG_CLOEXEC_ 0x40000000
#define SCHED_OTHER_ 0

struct message {
    void *name;
    int32_t name_bytes;
    struct iovec *parts;
    size_t part_count;
    void *control;
    size_t control_bytes;
    uint32_t flags;
};

struct control_message {
    size_t bytes;
    int32_t level;
    int32_t type;
    int32_t fds[SCONCE_SPAWN_MAX_FDS];
};
#define CONTROL_HEAD offsetof(struct control_message, fds)

/* CALL(name, up to six arguments): those that are not given are 0. */
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CALL_(name, a, b, c, d, e, f, ...)                                                         \
    raw_syscall(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* gcc may call these for copies that it does not write out. */
void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);

void *memset(void *to, int byte, size_t bytes)
{
    for (volatile uint8_t *at = to; bytes; bytes--)
        *at++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    const uint8_t *source = from;

    for (volatile uint8_t *at = to; bytes; bytes--)
        *at++ = *source++;
    return to;
}

static void end(int status) __attribute__((noreturn));
static void end(int status)
{
    for (;;)
        CALL(exit_group, status);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static long send_reply(int32_t socket, const struct sconce_reply *reply, int32_t fd)
{
    struct sconce_reply copy = *reply;
    struct iovec part = {&copy, sizeof copy};
    struct control_message control = {
        .bytes = CONTROL_HEAD + sizeof fd, .level = SOL_SOCKET_, .type = SCM_RIGHTS_, .fds = {fd}};
    struct message message = {.parts = &part, .part_count = 1};

    if (fd >= 0) {
        message.control = &control;
        message.control_bytes = (control.bytes + 7) & ~(size_t)7;
    }
    return CALL(sendmsg, socket, &message, MSG_NOSIGNAL_);
}

static void send_error(int32_t socket, uint32_t kind, uint32_t step, long error)
{
    const struct sconce_reply reply = {.kind = kind, .step = step, .error = (int32_t)-error};

    send_reply(socket, &reply, -1);
}

/* ---- A child ------------------------------------------------------------------------------- */

struct spawn {
    const struct sconce_zygote_start *start;
    struct sconce_request request;
    struct control_message fds;
    uint32_t fd_count;
    long zygote_pid;
};

static uint8_t *const control = (uint8_t *)SCONCE_CONTROL_AT;

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
    end(1);
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
    const struct sconce_stub_head *head = (const struct sconce_stub_head *)SCONCE_STUB_AT;

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
    const uint64_t handler = SCONCE_STUB_AT + (uint64_t)(raw_stub_handler - raw_stub);
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

static void map_guest(const struct spawn *spawn)
{
    for (uint32_t i = 0; i < spawn->request.range_count; i++) {
        const struct sconce_spawn_range *range = &spawn->request.ranges[i];

        must(map_fixed(range->gpa, range->bytes, range->prot, spawn->fds.fds[range->fd],
                       range->offset));
    }
}

static void run_child(const struct spawn *spawn) __attribute__((noreturn));
static void run_child(const struct spawn *spawn)
{
    static const uint32_t limits[] = {RLIMIT_NOFILE, RLIMIT_NPROC};
    const struct sconce_zygote_start *start = spawn->start;
    const struct rlimit64 zero = {0, 0};
    const struct sconce_reply reply = {.kind = SCONCE_REPLY_LISTENER};
    const int32_t socket = spawn->fds.fds[SCONCE_SPAWN_REPLY];
    long r = map_fixed(SCONCE_CONTROL_AT, SCONCE_CONTROL_BYTES, PROT_READ | PROT_WRITE,
                       spawn->fds.fds[SCONCE_SPAWN_CONTROL], 0);

    if (r < 0) {
        send_error(socket, SCONCE_REPLY_LISTENER, SCONCE_STEP_MAP_CONTROL, r);
        end(1);
    }
    CALL(prctl, PR_SET_NAME, "sconce-guest");
    note_step(SCONCE_STEP_PARENT_DEATH);
    must(CALL(prctl, PR_SET_PDEATHSIG, SIGKILL));
    if (CALL(getppid) != spawn->zygote_pid)
        end(1);

    /* The page of the zygote's own copy; the filters and the guest's exits are in it. */
    note_step(SCONCE_STEP_MAP_STUB);
    must(CALL(mremap, raw_stub, SCONCE_STUB_PAGE, SCONCE_STUB_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
              SCONCE_STUB_AT));
    note_step(SCONCE_STEP_MAP_GUEST);
    map_guest(spawn);

    note_step(SCONCE_STEP_LISTENER);
    r = install_listener();
    must(r);
    note_step(SCONCE_STEP_SEND_LISTENER);
    must(send_reply(socket, &reply, (int32_t)r));
    note_step(SCONCE_STEP_CLOSE_FDS);
    must(CALL(close_range, 0, UINT32_MAX, 0));
    note_step(SCONCE_STEP_RLIMIT);
    for (size_t i = 0; i < COUNT(limits); i++)
        must(CALL(prlimit64, 0, limits[i], &zero, NULL));
    note_step(SCONCE_STEP_SIGNALS);
    install_signals();
    note_step(SCONCE_STEP_FILTER);
    ((raw_stub_finish_fn)(SCONCE_STUB_AT + (uint64_t)(raw_stub_finish - raw_stub)))(
        start->text_at, start->text_bytes, start->data_at, start->data_bytes);
}

/* ---- The zygote ---------------------------------------------------------------------------- */

static void close_received(struct control_message *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        CALL(close, fds->fds[i]);
}

/* Is it what the host sends? It is trusted, but may be of another version by mistake. */
static int request_is_sound(const struct spawn *spawn, long bytes)
{
    if (bytes < (long)SCONCE_REQUEST_HEAD || spawn->fd_count != spawn->request.fd_count)
        return 0;
    if (spawn->request.kind == SCONCE_REQUEST_SIGNAL)
        return spawn->fd_count == 1;
    if (spawn->request.kind != SCONCE_REQUEST_SPAWN || bytes != (long)sizeof spawn->request ||
        spawn->fd_count < SCONCE_SPAWN_GUEST ||
        spawn->request.range_count > SCONCE_SPAWN_MAX_RANGES)
        return 0;
    for (uint32_t i = 0; i < spawn->request.range_count; i++)
        if (spawn->request.ranges[i].fd >= spawn->fd_count)
            return 0;
    return 1;
}

static void spawn_child(struct spawn *spawn)
{
    const struct sconce_reply reply = {.kind = SCONCE_REPLY_CHILD};
    const int32_t socket = spawn->fds.fds[SCONCE_SPAWN_REPLY];
    int32_t pidfd = -1;
    /* SIGCHLD, which the zygote ignores: its children are not waited for. */
    long pid = CALL(clone, SIGCHLD | CLONE_PIDFD, 0, &pidfd);

    if (pid == 0)
        run_child(spawn);
    if (pid < 0) {
        send_error(socket, SCONCE_REPLY_CHILD, SCONCE_STEP_CLONE_CHILD, pid);
        return;
    }
    send_reply(socket, &reply, pidfd);
    CALL(close, pidfd);
}

static void refuse(const struct spawn *spawn)
{
    if (spawn->fd_count > 0)
        send_error(spawn->fds.fds[SCONCE_SPAWN_REPLY], SCONCE_REPLY_CHILD, SCONCE_STEP_REQUEST,
                   -EINVAL);
}

static void serve_one(struct spawn *spawn)
{
    struct iovec part = {&spawn->request, sizeof spawn->request};
    struct message message = {
        .parts = &part,
        .part_count = 1,
        .control = &spawn->fds,
        .control_bytes = sizeof spawn->fds,
    };
    long bytes = CALL(recvmsg, spawn->start->socket_fd, &message, MSG_CMSG_CLOEXEC_);

    if (bytes == -ENOMEM || bytes == -ENOBUFS || bytes == -EINTR)
        return;     /* the message is there still */
    if (bytes <= 0) /* the host has let go */
        end(0);
    spawn->fd_count = 0;
    if (message.control_bytes >= CONTROL_HEAD && spawn->fds.bytes >= CONTROL_HEAD)
        spawn->fd_count = (uint32_t)((spawn->fds.bytes - CONTROL_HEAD) / sizeof(int32_t));
    if (bytes >= (long)SCONCE_REQUEST_HEAD && spawn->request.kind == SCONCE_REQUEST_END)
        end(0);
    if (!request_is_sound(spawn, bytes))
        refuse(spawn);
    else if (spawn->request.kind == SCONCE_REQUEST_SIGNAL)
        CALL(pidfd_send_signal, spawn->fds.fds[0], spawn->request.number, NULL, 0);
    else
        spawn_child(spawn);
    close_received(&spawn->fds, spawn->fd_count);
}

static void serve(const struct sconce_zygote_start *start) __attribute__((noreturn));
static void serve(const struct sconce_zygote_start *start)
{
    struct spawn spawn = {.start = start, .zygote_pid = CALL(getpid)};

    for (;;) {
        struct pollfd wait[] = {{start->socket_fd, POLLIN, 0}, {start->host_fd, POLLIN, 0}};

        CALL(ppoll, wait, COUNT(wait), NULL, NULL, 0);
        if (wait[1].revents)
            end(0);
        if (wait[0].revents)
            serve_one(&spawn);
    }
}

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

    memset(processors, 0xff, sizeof processors);
    CALL(sched_setaffinity, 0, sizeof processors, processors);
    CALL(sched_setscheduler, 0, SCHED_OTHER_, &priority);
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
        reply.step = SCONCE_STEP_UNMAP;
        r = unmap_host(start);
    }
    reply.error = r < 0 ? (int32_t)-r : 0;
    reply.layers = layers;
    send_reply(start->socket_fd, &reply, -1);
    if (r < 0)
        end(1);
    serve(start);
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
