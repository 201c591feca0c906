/* SPDX-License-Identifier: Apache-2.0 */
#include "backends.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

/* A probe is a matter of milliseconds; a plugin that hangs must not hang the table. */
#define PROBE_SECONDS 10

/* More than the three texts that a child sends can be. */
#define ANSWER_BYTES 4096u

static void set(char **where, const char *text)
{
    free(*where);
    *where = report_strdup(text ? text : "");
}

static void set_format(char **where, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void set_format(char **where, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set(where, text);
}

static int add(void *ctx, const struct sconce_backend_info *info)
{
    struct backends *backends = ctx;
    struct backend *items, *item;

    items = reallocarray(backends->items, backends->count + 1, sizeof *items);
    if (!items)
        return SCONCE_E_NO_MEMORY;
    backends->items = items;
    item = &items[backends->count++];
    *item = (struct backend){.machine = info->machine};
    set(&item->name, info->name);
    set(&item->version, info->version);
    set(&item->arch, info->arch);
    set(&item->mechanism, info->mechanism);
    set(&item->isolation, info->isolation);
    set(&item->status, info->status);
    set(&item->requires_, info->requires_);
    set(&item->path, info->path);
    set(&item->description, info->description);
    set(&item->problem, info->problem);
    set(&item->hint, info->hint);
    item->verdict = item->problem[0] ? BACKEND_REFUSED : BACKEND_UNTRIED;
    return 0;
}

bool backend_isolates(const struct backend *backend)
{
    return strcmp(backend->isolation, "vm") == 0;
}

static int find_isolation(void *ctx, const char *key, const char *value, const char *origin,
                          const char *help)
{
    bool *vm_only = ctx;

    (void)origin;
    (void)help;
    if (strcmp(key, "runtime.isolation") == 0)
        *vm_only = strcmp(value, "vm") == 0;
    return 0;
}

int backends_list(struct backends *backends, struct session *session)
{
    struct sconce_error err = {0};
    bool vm_only = true;
    int status;

    sconce_config_each(session->config, find_isolation, &vm_only);
    sconce_config_set(session->config, "runtime.isolation", "any", "sconce", NULL);
    status = session_start(session);
    if (status != STATUS_OK)
        return status;
    if (sconce_runtime_backends(session->runtime, add, backends, &err) < 0)
        return report_failure(session->options, &err);
    for (size_t i = 0; i < backends->count; i++)
        backends->items[i].allowed = !vm_only || backend_isolates(&backends->items[i]);
    return STATUS_OK;
}

/* ---- In the child ---------------------------------------------------------------------------- */

static void send_text(int fd, const char *text)
{
    size_t bytes = strlen(text) + 1;

    while (bytes > 0) {
        ssize_t put = write(fd, text, bytes);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        text += put;
        bytes -= (size_t)put;
    }
}

struct answer {
    int fd;
    bool sent;
};

static void send_answer(void *ctx, const struct sconce_backend_info *info)
{
    struct answer *answer = ctx;

    send_text(answer->fd, info->description);
    send_text(answer->fd, info->problem);
    send_text(answer->fd, info->hint);
    answer->sent = true;
}

/* A runtime of its own: the parent's handles are of no use behind a fork. */
static void probe_child(const struct options *options, const char *name, int fd)
{
    struct session session = {0};
    struct sconce_error err = {0};
    struct answer answer = {.fd = fd};

    dup2(STDERR_FILENO, STDOUT_FILENO); /* whatever a plugin prints is no result */
    if (session_open(&session, options) != STATUS_OK)
        _exit(STATUS_INTERNAL);
    if (sconce_runtime_probe(session.runtime, name, send_answer, &answer, &err) < 0 &&
        !answer.sent) {
        send_text(fd, "");
        send_text(fd, err.text);
        send_text(fd, err.hint);
    }
    _exit(STATUS_OK);
}

/* ---- In the parent --------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the child closes its end; false when it took too long. */
static bool receive(int fd, char *answer, size_t *ret_bytes)
{
    int64_t until = now_ms() + PROBE_SECONDS * INT64_C(1000), left;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t used = 0;
    ssize_t got;
    int n;

    for (;;) {
        left = until - now_ms();
        n = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return false;
        /* Where poll(2) is forbidden, the answer is waited for without a limit. */
        got = read(fd, answer + used, ANSWER_BYTES - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    *ret_bytes = used;
    return true;
}

/* A backend's own errors begin with its name, which stands in front of them here anyway. */
static const char *without_name(const char *problem, const char *name)
{
    size_t length = strlen(name);

    return strncmp(problem, name, length) == 0 && strncmp(problem + length, ": ", 2) == 0
               ? problem + length + 2
               : problem;
}

/* Three texts, each with its NUL; the child may have been stopped anywhere. */
static bool take_answer(struct backend *backend, const char *answer, size_t bytes)
{
    const char *texts[3], *end = answer + bytes;

    for (size_t i = 0; i < 3; i++) {
        const char *nul = memchr(answer, '\0', (size_t)(end - answer));

        if (!nul)
            return false;
        texts[i] = answer;
        answer = nul + 1;
    }
    set(&backend->description, texts[0]);
    set(&backend->problem, without_name(texts[1], backend->name));
    set(&backend->hint, texts[2]);
    backend->verdict = backend->problem[0] ? BACKEND_REFUSED : BACKEND_WORKS;
    return true;
}

static void refuse_ended(struct backend *backend, bool in_time, int wait_status)
{
    backend->verdict = BACKEND_REFUSED;
    if (!in_time)
        set_format(&backend->problem, "it did not answer within %d s", PROBE_SECONDS);
    else if (WIFSIGNALED(wait_status))
        set_format(&backend->problem, "it crashed while it was tried (%s)",
                   strsignal(WTERMSIG(wait_status)));
    else
        set_format(&backend->problem, "it ended the process while it was tried (exit status %d)",
                   WEXITSTATUS(wait_status));
    set(&backend->hint, "report this to whoever made the backend, and leave it out of the "
                        "configuration");
}

static void refuse_start(struct backend *backend)
{
    backend->verdict = BACKEND_REFUSED;
    set_format(&backend->problem, "cannot start a process to try it in: %s", strerror(errno));
}

static void probe_one(struct backend *backend, const struct options *options)
{
    char answer[ANSWER_BYTES];
    size_t bytes = 0;
    int ends[2], wait_status = 0;
    bool in_time;
    pid_t child;

    fflush(NULL); /* or the child would write it again */
    if (pipe2(ends, O_CLOEXEC) != 0) {
        refuse_start(backend);
        return;
    }
    child = fork();
    if (child < 0) {
        refuse_start(backend);
        close(ends[0]);
        close(ends[1]);
        return;
    }
    if (child == 0) {
        close(ends[0]);
        probe_child(options, backend->name, ends[1]);
    }
    close(ends[1]);
    in_time = receive(ends[0], answer, &bytes);
    close(ends[0]);
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    if (!take_answer(backend, answer, bytes))
        refuse_ended(backend, in_time, wait_status);
}

void backends_probe(struct backends *backends, const struct options *options)
{
    for (size_t i = 0; i < backends->count; i++)
        probe_one(&backends->items[i], options);
}

void backends_free(struct backends *backends)
{
    for (size_t i = 0; i < backends->count; i++) {
        struct backend *item = &backends->items[i];

        free(item->name);
        free(item->version);
        free(item->arch);
        free(item->mechanism);
        free(item->isolation);
        free(item->status);
        free(item->requires_);
        free(item->path);
        free(item->description);
        free(item->problem);
        free(item->hint);
    }
    free(backends->items);
    *backends = (struct backends){0};
}
