/* SPDX-License-Identifier: Apache-2.0 */
/* Having the zygote make a guest's process, up to its first stop. */
#include "plugins/shared/process/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/process.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/no-cancel.h"
#include "plugins/shared/process/receive.h"
#include "plugins/shared/process/steps.h"
#include "plugins/shared/process/zygote-host.h"

static uint32_t mmap_prot(uint32_t prot)
{
    return (prot & SCONCE_PROT_READ ? PROT_READ : 0u) |
           (prot & SCONCE_PROT_WRITE ? PROT_WRITE : 0u) |
           (prot & SCONCE_PROT_EXEC ? PROT_EXEC : 0u);
}

/* The index of @fd in the request, added when it is new. */
static uint32_t fd_index(struct sconce_request *request, int32_t *fds, int32_t fd)
{
    for (uint32_t i = SCONCE_SPAWN_GUEST; i < request->fd_count; i++)
        if (fds[i] == fd)
            return i;
    fds[request->fd_count] = fd;
    return request->fd_count++;
}

static void fill_request(struct sconce_request *request, int32_t *fds, uint32_t stub,
                         const struct sconce_plugin_mappings *mappings)
{
    request->kind = SCONCE_REQUEST_SPAWN;
    request->number = stub;
    request->fd_count = SCONCE_SPAWN_GUEST;
    request->range_count = mappings->count;
    for (uint32_t i = 0; i < mappings->count; i++) {
        const struct sconce_plugin_range *range = &mappings->ranges[i];

        request->ranges[i] = (struct sconce_spawn_range){
            .gpa = range->gpa,
            .bytes = range->bytes,
            .offset = range->offset,
            .prot = mmap_prot(range->prot),
            .fd = fd_index(request, fds, (int32_t)range->handle),
        };
    }
}

static int32_t make_control(struct sconce_child *child, int *ret_fd,
                            struct sconce_plugin_error *err)
{
    int fd = sconce_memfd("sconce-control");
    void *at;

    if (fd < 0 || ftruncate(fd, SCONCE_CONTROL_BYTES)) {
        int error = errno;

        sconce_cleanup_fd(&fd);
        return sconce_step_fail(err, SCONCE_STEP_MEMFD, error);
    }
    at = mmap(NULL, SCONCE_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        int error = errno;

        sconce_cleanup_fd(&fd);
        return sconce_step_fail(err, SCONCE_STEP_MAP_CONTROL, error);
    }
    child->control = at;
    *ret_fd = fd;
    return SCONCE_PLUGIN_OK;
}

/* What it left in the control area when it died while it built itself. */
static int32_t died(const struct sconce_child *child, struct sconce_plugin_error *err)
{
    uint32_t step, error;

    memcpy(&step, child->control + SCONCE_CONTROL_STEP, sizeof step);
    memcpy(&error, child->control + SCONCE_CONTROL_ERROR, sizeof error);
    if (error && error < 4096)
        return sconce_step_fail(err, step, (int)error);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_PLUGIN, step, NULL,
                              "the guest's process was killed before the guest began (step %u)",
                              step);
}

/* One reply of the two that make a child known. */
static int32_t hear(struct sconce_child *child, int socket, struct sconce_plugin_error *err)
{
    struct sconce_reply reply;
    int fd, error = sconce_receive(socket, sconce_zygote_pidfd(child->zygote), child->pidfd, &reply,
                                   &fd);

    if (!error && fd >= 0) {
        fd = sconce_off_streams(fd);
        error = fd < 0 ? errno : 0;
    }
    if (error == ETIMEDOUT) /* somebody has stopped it; the next one is another */
        sconce_zygote_forget(child->zygote);
    if (error == EMFILE || error == ETIMEDOUT)
        return sconce_step_fail(err, SCONCE_STEP_RECEIVE, error);
    if (error && reply.step == SCONCE_STEP_HOST_WAIT)
        return sconce_step_fail(err, reply.step, error);
    if (error && child->pidfd >= 0)
        return died(child, err);
    if (error)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, error, NULL,
                                  "the helper process ended while it made a guest's process");
    if (!reply.error && reply.kind == SCONCE_REPLY_CHILD && child->pidfd < 0)
        child->pidfd = fd;
    else if (!reply.error && reply.kind == SCONCE_REPLY_LISTENER && child->listener < 0)
        child->listener = fd;
    else
        sconce_cleanup_fd(&fd);
    return reply.error ? sconce_step_fail(err, reply.step, reply.error) : SCONCE_PLUGIN_OK;
}

/* Its first stop is a fault of the stub's own: no guest has run. */
static int32_t await_first_stop(struct sconce_child *child, struct sconce_plugin_error *err)
{
    int number = 0, r;

    sconce_child_wake_in_sync(child);
    r = sconce_child_wait(child, &number);
    if (r == SCONCE_CHILD_GONE)
        return died(child, err);
    if (r < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, -r, NULL,
                                  "cannot wait for a guest's process");
    if (r != SCONCE_CHILD_STOPPED || number != SIGSEGV)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_PLUGIN, number, NULL,
                                  "a guest's process began in an unexpected way (signal %d)",
                                  number);
    return SCONCE_PLUGIN_OK;
}

/* @ours: a socket for the replies. */
static int32_t ask(const struct sconce_child *child, const struct sconce_plugin_mappings *mappings,
                   int control_fd, int *ret_ours, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int theirs = -1;
    struct sconce_request request = {0};
    int32_t fds[SCONCE_SPAWN_MAX_FDS];
    int pair[2], error;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return sconce_step_fail(err, SCONCE_STEP_SOCKET, errno);
    *ret_ours = sconce_off_streams(pair[0]);
    error = errno;
    theirs = sconce_off_streams(pair[1]);
    if (*ret_ours < 0 || theirs < 0)
        return sconce_step_fail(err, SCONCE_STEP_SOCKET, *ret_ours < 0 ? error : errno);
    fill_request(&request, fds, child->stub, mappings);
    fds[SCONCE_SPAWN_REPLY] = theirs;
    fds[SCONCE_SPAWN_CONTROL] = control_fd;
    error = sconce_zygote_send(child->zygote, &request, fds);
    if (!error)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, error, NULL,
                              "cannot ask the helper process for a guest's process");
}

static int32_t spawn_once(struct sconce_child *child, const struct sconce_plugin_mappings *mappings,
                          struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int control_fd = -1;
    SCONCE_CLEANUP(sconce_cleanup_fd) int replies = -1;
    int32_t r = make_control(child, &control_fd, err);

    if (r == SCONCE_PLUGIN_OK)
        r = ask(child, mappings, control_fd, &replies, err);
    while (r == SCONCE_PLUGIN_OK && (child->pidfd < 0 || child->listener < 0))
        r = hear(child, replies, err);
    return r == SCONCE_PLUGIN_OK ? await_first_stop(child, err) : r;
}

int32_t sconce_child_spawn(struct sconce_child *child,
                           const struct sconce_plugin_mappings *mappings, uint32_t stub,
                           struct sconce_plugin_error *err)
{
    SCONCE_NOT_CANCELLED;
    int32_t r = SCONCE_PLUGIN_OK;

    for (uint32_t i = 0; i < mappings->count; i++)
        if (mappings->ranges[i].handle_kind != SCONCE_HANDLE_LINUX_FD)
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                      "memory without a descriptor cannot be given to a process");

    /* A zygote that somebody has killed is found out by using it; then there is a second chance. */
    for (int attempt = 0; attempt < 2; attempt++) {
        bool lost;

        *child = (struct sconce_child)SCONCE_CHILD_EMPTY;
        child->process = sconce_process_id();
        child->stub = stub;
        r = sconce_zygote_get(&child->zygote, err);
        if (r == SCONCE_PLUGIN_OK)
            r = spawn_once(child, mappings, err);
        if (r == SCONCE_PLUGIN_OK)
            return r;
        lost = child->zygote && sconce_zygote_is_lost(child->zygote);
        if (lost)
            sconce_zygote_forget(child->zygote);
        sconce_child_end(child);
        if (!lost)
            return r;
    }
    return r;
}
