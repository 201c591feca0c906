/* SPDX-License-Identifier: Apache-2.0 */
/* sconce backends: the installed backends, in the order in which `auto` tries them. */
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "json.h"
#include "report.h"
#include "session.h"
#include "text.h"

#define VERDICT_WIDTH ((int)strlen("not tried"))

static const char *verdict_name(const struct backend *backend)
{
    switch (backend->verdict) {
    case BACKEND_WORKS:
        return "works";
    case BACKEND_REFUSED:
        return "refused";
    default:
        return "not tried";
    }
}

static void put_json(const struct backends *backends)
{
    struct json json = {.out = stdout};

    json_open_array(&json, NULL);
    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->items[i];

        json_open_object(&json, NULL);
        json_text(&json, "name", backend->name);
        json_text(&json, "isolation", backend->isolation);
        if (backend->verdict == BACKEND_UNTRIED)
            json_null(&json, "usable");
        else
            json_bool(&json, "usable", backend->verdict == BACKEND_WORKS);
        json_bool(&json, "allowed", backend->allowed);
        json_text(&json, "arch", backend->arch);
        json_u64(&json, "machine", backend->machine);
        json_text(&json, "mechanism", backend->mechanism);
        json_text(&json, "version", backend->version);
        json_text(&json, "status", backend->status);
        json_text(&json, "requires", backend->requires_);
        json_text(&json, "path", backend->path);
        json_text(&json, "description", backend->description);
        json_text(&json, "problem", backend->problem);
        json_text(&json, "hint", backend->hint);
        json_close_object(&json);
    }
    json_close_array(&json);
}

/* What a file that is not trusted was not even asked. */
static const char *or_unknown(const char *text)
{
    return *text ? text : "?";
}

static int widest(const struct backends *backends, size_t member, const char *title)
{
    size_t width = strlen(title);

    for (size_t i = 0; i < backends->count; i++) {
        const char *text = *(char *const *)((const char *)&backends->items[i] + member);

        width = strlen(text) > width ? strlen(text) : width;
    }
    return (int)width;
}

static void put_remark(const char *before, const char *remark)
{
    if (!*remark)
        return;
    printf("  %s", before);
    text_put_safe(stdout, remark, strlen(remark));
}

static void put_row(const struct backend *backend, const int widths[4])
{
    printf("%-*s  %-*s  %-*s  %-*s  %-*s  %s", widths[0], backend->name, widths[1],
           or_unknown(backend->arch), widths[2], or_unknown(backend->mechanism), widths[3],
           or_unknown(backend->isolation), VERDICT_WIDTH, verdict_name(backend),
           or_unknown(backend->status));
    if (backend->verdict == BACKEND_WORKS)
        put_remark("", backend->description);
    else if (backend->verdict == BACKEND_UNTRIED)
        put_remark("needs ", backend->requires_);
    if (!backend->allowed && *backend->isolation)
        put_remark("", "(only with --isolation=any)");
    putchar('\n');
}

static void put_text(const struct backends *backends)
{
    const int widths[4] = {
        widest(backends, offsetof(struct backend, name), "NAME"),
        widest(backends, offsetof(struct backend, arch), "ARCH"),
        widest(backends, offsetof(struct backend, mechanism), "MECHANISM"),
        widest(backends, offsetof(struct backend, isolation), "ISOLATION"),
    };

    printf("%-*s  %-*s  %-*s  %-*s  %-*s  %s\n", widths[0], "NAME", widths[1], "ARCH", widths[2],
           "MECHANISM", widths[3], "ISOLATION", VERDICT_WIDTH, "VERDICT", "STATUS");
    for (size_t i = 0; i < backends->count; i++)
        put_row(&backends->items[i], widths);
}

/* Why each refused one was, under the table; a remedy that several share is told once. */
static void put_problems(const struct backends *backends)
{
    const char *told = "";

    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->items[i];

        if (backend->verdict != BACKEND_REFUSED)
            continue;
        report_note("%s cannot be used: %s", backend->name, backend->problem);
        if (backend->hint[0] && strcmp(backend->hint, told) != 0)
            report_hint("%s", backend->hint);
        told = backend->hint;
    }
}

static int tell_dir(void *ctx, const char *key, const char *value, const char *origin,
                    const char *help)
{
    (void)ctx;
    (void)help;
    if (strcmp(key, "runtime.plugin_dir") != 0)
        return 0;
    report_error("no backend is installed in %s (%s)", value, origin);
    report_hint("install one (packages sconce-backend-...), or name another --plugin-dir");
    return 1;
}

static void put_list(const struct options *options, const struct session *session,
                     const struct backends *backends)
{
    if (options->json) {
        put_json(backends);
    } else if (options->quiet) {
        for (size_t i = 0; i < backends->count; i++)
            puts(backends->items[i].name);
        return;
    } else if (backends->count > 0) {
        put_text(backends);
        fflush(stdout);
    }
    if (backends->count == 0)
        sconce_config_each(session->config, tell_dir, NULL);
    put_problems(backends);
}

int cmd_backends(const struct options *options)
{
    struct backends backends = {0};
    struct session session = {0};
    int status = session_configure(&session, options);

    if (status == STATUS_OK)
        status = backends_list(&backends, &session);
    if (status == STATUS_OK) {
        if (options->probe)
            backends_probe(&backends, options);
        put_list(options, &session, &backends);
    }
    backends_free(&backends);
    session_close(&session);
    return status;
}
