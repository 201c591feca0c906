/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native fork|in-process [PORT]: the same function without a sandbox, to compare with. With "fork"
 * in a child process of its own for each request: as clean, but not shut in. With "in-process" as a
 * plain call: neither.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "savings.h"
#include "serve.h"

_Static_assert(SAVINGS_TEXT_BYTES <= SERVE_MOST_BYTES, "an answer has room for the function's");

/* What a child sends: one write, which an empty pipe has room for. */
struct message {
    unsigned status;
    size_t bytes;
    char text[SAVINGS_TEXT_BYTES];
};

/* The next child must not hold this one's end of a pipe open. */
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;

static unsigned call(const struct serve_request *request, char *text, size_t *bytes)
{
    return savings(request->path, request->body, request->bytes, text, bytes) ? 400 : 200;
}

static unsigned answer_here(void *ctx, const struct serve_request *request,
                            struct serve_answer *ret)
{
    (void)ctx;
    return call(request, ret->text, &ret->bytes);
}

__attribute__((noreturn)) static void be_the_child(const struct serve_request *request, int fd)
{
    struct message message = {0};
    size_t bytes;

    message.status = call(request, message.text, &message.bytes);
    bytes = offsetof(struct message, text) + message.bytes;
    _exit(write(fd, &message, bytes) == (ssize_t)bytes ? 0 : 1);
}

/* Returns the child, or -1; *ret_fd is what it writes to. */
static pid_t start(const struct serve_request *request, int *ret_fd)
{
    int fds[2];
    pid_t child = -1;

    pthread_mutex_lock(&forking);
    if (pipe(fds) == 0) {
        child = fork();
        if (child == 0)
            be_the_child(request, fds[1]);
        close(fds[1]);
        *ret_fd = fds[0];
        if (child < 0)
            close(fds[0]);
    }
    pthread_mutex_unlock(&forking);
    return child;
}

static unsigned receive(int fd, struct serve_answer *ret)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct message message;

    if (poll(&wait, 1, (int)SERVE_DEADLINE_MS) == 0)
        return 504;
    if (read(fd, &message, sizeof message) < (ssize_t)offsetof(struct message, text) ||
        message.bytes > sizeof message.text)
        return 500;
    ret->bytes = message.bytes;
    memcpy(ret->text, message.text, message.bytes);
    return message.status;
}

static unsigned answer_forked(void *ctx, const struct serve_request *request,
                              struct serve_answer *ret)
{
    unsigned status;
    pid_t child;
    int fd, how;

    (void)ctx;
    child = start(request, &fd);
    if (child < 0)
        return fprintf(stderr, "503: fork: %s\n", strerror(errno)), 503;
    status = receive(fd, ret);
    close(fd);
    if (status == 504)
        kill(child, SIGKILL);
    waitpid(child, &how, 0);
    if (status >= 500)
        fprintf(stderr, "%u: the child ended with wait status %#x\n", status, (unsigned)how);
    return status;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    const unsigned port = argc > 2 ? serve_number(argv[2], "PORT", 65535) : 8080;

    savings_start();
    if (strcmp(how, "fork") == 0)
        return serve(port, "fork for each request", answer_forked, NULL);
    if (strcmp(how, "in-process") == 0)
        return serve(port, "in the server's process", answer_here, NULL);
    return fputs("usage: native fork|in-process [PORT]\n", stderr), 2;
}
