/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faas GUEST [PORT [SANDBOXES]]: HTTP requests, each served by the guest in a clean sandbox of a
 * pool. Clients learn a status; what went wrong in a sandbox is on standard error.
 */
#include <sconce/sconce.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

#define PATIENCE_NS 100000000u /* for a sandbox, when all are lent */

struct faas {
    struct sconce_pool *pool;
    uint32_t handle; /* the export's number */
};

static unsigned status_of(const struct sconce_error *err)
{
    switch (err->code) {
    case 0:
        return 200;
    case SCONCE_E_TYPE: /* a path that is no UTF-8 */
        return 400;
    case SCONCE_E_GUEST_FAILED:
        return err->guest_code == 400 ? 400 : 500;
    case SCONCE_E_BUSY:
        return 503;
    case SCONCE_E_LIMIT:
        return err->limit == SCONCE_LIMIT_DEADLINE ? 504 : 500;
    default:
        return 500;
    }
}

/* What the guest says is as long as it likes. */
static int copy(const struct sconce_value *result, struct serve_answer *ret,
                struct sconce_error *err)
{
    if (result->as.span.length > sizeof ret->text) {
        snprintf(err->text, sizeof err->text, "an answer of %zu bytes", result->as.span.length);
        return err->code = SCONCE_E_LIMIT;
    }
    ret->bytes = result->as.span.length;
    memcpy(ret->text, result->as.span.data, ret->bytes);
    return 0;
}

static unsigned answer(void *ctx, const struct serve_request *request, struct serve_answer *ret)
{
    const struct sconce_value args[] = {sconce_string(request->path),
                                        sconce_bytes(request->body, request->bytes)};
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_error err = {0};
    struct sconce_value result;
    struct faas *faas = ctx;

    if (sconce_pool_take(faas->pool, PATIENCE_NS, &sandbox, &err) ||
        sconce_sandbox_call_index(sandbox, faas->handle, args, 2, &result, &err) ||
        copy(&result, ret, &err))
        fprintf(stderr, "%u: %s\n", status_of(&err), err.text);
    sconce_pool_give(faas->pool, sandbox); /* cleaned here, whatever state it is in */
    return status_of(&err);
}

static void log_line(void *ctx, uint32_t level, const char *key, const char *text)
{
    fprintf(stderr, "%s: %s\n", key, text);
}

static int run(struct faas *faas, struct sconce_guest *guest, unsigned port, unsigned most)
{
    struct sconce_backend_info info = {.size = sizeof info};
    char what[160];

    sconce_guest_backend(guest, &info);
    snprintf(what, sizeof what, "%s (isolation: %s), %u sandboxes", info.name, info.isolation,
             most);
    return serve(port, what, answer, faas);
}

int main(int argc, char **argv)
{
    unsigned port = argc > 2 ? serve_number(argv[2], "PORT", 65535) : 8080;
    unsigned most = argc > 3 ? serve_number(argv[3], "SANDBOXES", 10000) : SERVE_THREADS;
    const struct sconce_sandbox_options limits = {.size = sizeof limits,
                                                  .limits.deadline_ns =
                                                      SERVE_DEADLINE_MS * 1000000ull,
                                                  .limits.io_bytes = SERVE_MOST_BYTES};
    struct sconce_pool_options options = {
        .size = sizeof options, .ready = most, .most = most, .sandbox = &limits, .log = log_line};
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_sandbox *first = NULL;
    struct sconce_snapshot *started = NULL;
    struct sconce_error err = {.text = "usage: faas GUEST [PORT [SANDBOXES]]"};
    struct faas faas = {0};
    int status = 1;

    if (argc > 1 && sconce_runtime_new(NULL, &runtime, &err) == 0 &&
        sconce_guest_load_file(runtime, argv[1], &guest, &err) == 0 &&
        sconce_guest_find(guest, "handle", &faas.handle, &err) == 0 &&
        sconce_sandbox_new(guest, &limits, &first, &err) == 0 &&
        sconce_sandbox_snapshot(first, &started, &err) == 0 &&
        (options.snapshot = started, sconce_pool_new(guest, &options, &faas.pool, &err)) == 0)
        status = run(&faas, guest, port, most);
    else
        fprintf(stderr, "%s\n%s\n", err.text, err.hint);
    sconce_pool_free(faas.pool), sconce_snapshot_free(started), sconce_sandbox_free(first);
    return sconce_guest_free(guest), sconce_runtime_free(runtime), status;
}
