/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_S 10u /* then a connection is closed */

struct service {
    serve_fn answer;
    void *ctx;
};

/* A request as it comes in. */
struct upload {
    size_t bytes;
    bool too_large;
    char body[SERVE_MOST_BYTES];
};

/* What a client learns of a status that is not 200. */
static const char *name_of(unsigned status)
{
    switch (status) {
    case MHD_HTTP_BAD_REQUEST:
        return "bad request\n";
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return "too large\n";
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return "busy: try again\n";
    case MHD_HTTP_GATEWAY_TIMEOUT:
        return "took too long\n";
    default:
        return "internal error\n";
    }
}

/* @answer: NULL: of no use with this status. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status,
                               const struct serve_answer *answer)
{
    const bool good = answer && status == MHD_HTTP_OK;
    const char *text = name_of(status);
    size_t bytes = strlen(text);
    struct MHD_Response *response;
    enum MHD_Result r;

    if (good)
        text = answer->text, bytes = answer->bytes;
    response =
        MHD_create_response_from_buffer(bytes, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            good ? "application/json" : "text/plain");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static void keep(struct upload *upload, const char *data, size_t bytes)
{
    if (bytes > sizeof upload->body - upload->bytes) {
        upload->too_large = true;
        return;
    }
    memcpy(upload->body + upload->bytes, data, bytes);
    upload->bytes += bytes;
}

/* libmicrohttpd calls this when the header is there, for each piece of the body, and at its end. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *bytes, void **state)
{
    const struct service *service = ctx;
    struct upload *upload = *state;
    struct serve_request request;
    struct serve_answer answer;

    (void)method;
    (void)version;
    if (!upload) {
        *state = upload = malloc(sizeof *upload);
        if (upload)
            upload->bytes = 0, upload->too_large = false;
        return upload ? MHD_YES : MHD_NO;
    }
    if (*bytes) {
        keep(upload, data, *bytes);
        *bytes = 0;
        return MHD_YES;
    }
    if (upload->too_large)
        return respond(connection, MHD_HTTP_CONTENT_TOO_LARGE, NULL);
    request = (struct serve_request){path, upload->body, upload->bytes};
    return respond(connection, service->answer(service->ctx, &request, &answer), &answer);
}

static void on_end(void *ctx, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why)
{
    (void)ctx;
    (void)connection;
    (void)why;
    free(*state);
}

unsigned serve_number(const char *text, const char *what, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text >= '0' && *text <= '9' && !*end && value <= most)
        return (unsigned)value;
    fprintf(stderr, "%s is a number from 0 to %u, not %s\n", what, most, text);
    exit(2);
}

int serve(unsigned port, const char *what, serve_fn answer, void *ctx)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct service service = {answer, ctx};
    struct MHD_Daemon *daemon;
    sigset_t ends;
    int signal_number;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* in libmicrohttpd's threads, too */
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, &service,
                              MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE,
                              SERVE_THREADS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                              MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
    if (!daemon)
        return fprintf(stderr, "cannot listen at 127.0.0.1:%u\n", port), 1;
    printf("%s: http://127.0.0.1:%u/\n", what,
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&ends, &signal_number);
    MHD_stop_daemon(daemon);
    return 0;
}
