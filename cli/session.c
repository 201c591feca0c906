/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdio.h>
#include <string.h>

#include "report.h"
#include "text.h"

#define PASSED_OVER "sconce: passed over: "
#define MORE " (more: -v)"
/* What is told unasked fits into a line of so many bytes where it can. */
#define LINE_BYTES 100u

static void log_line(void *ctx, uint32_t level, const char *key, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    (void)ctx;
    report_note("%s: %s: %s", level < 4 ? names[level] : "log", key, text);
}

static uint32_t log_level(const struct options *options)
{
    if (options->verbose > 1)
        return SCONCE_LOG_DEBUG;
    return options->quiet ? SCONCE_LOG_ERROR : SCONCE_LOG_WARNING;
}

int session_configure(struct session *session, const struct options *options)
{
    struct sconce_error err = {0};

    session->options = options;
    if (sconce_config_load(options->config_path, &session->config, &err) < 0)
        return report_failure(options, &err);
    for (size_t i = 0; i < options->setting_count; i++) {
        const struct option_setting *setting = &options->settings[i];

        if (sconce_config_set(session->config, setting->key, setting->value, setting->origin,
                              &err) == 0)
            continue;
        /* The command line is wrong, not a configuration file. */
        report_failure(options, &err);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

int session_start(struct session *session)
{
    const struct sconce_runtime_options options = {
        .size = sizeof options,
        .log_level = log_level(session->options),
        .config = session->config,
        .log = log_line,
    };
    struct sconce_error err = {0};

    if (sconce_runtime_new(&options, &session->runtime, &err) < 0)
        return report_failure(session->options, &err);
    return STATUS_OK;
}

int session_open(struct session *session, const struct options *options)
{
    int status = session_configure(session, options);

    return status == STATUS_OK ? session_start(session) : status;
}

/* How much of @text to show in a line of @room bytes; a word that is longer than a line is shown.
 */
static int shorten(const char *text, size_t bytes, size_t room)
{
    size_t shown = text_shorten(text, bytes, room);

    return (int)(shown > 0 ? shown : bytes);
}

/* The first of the refusals in a line, and its remedy in another, unless a person asked for all. */
static void tell_refusals(const struct session *session)
{
    const char *refusals = sconce_guest_refusals(session->guest);
    const char *end = strchrnul(refusals, '\n');
    size_t length = (size_t)(end - refusals), remedy = text_remedy(refusals, length);
    size_t reason = remedy < length ? remedy - strlen(" (") : length;
    size_t room = LINE_BYTES - strlen(PASSED_OVER), others = 0;
    char more[48] = "";
    int shown;

    if (*refusals == '\0' || session->options->quiet)
        return;
    if (session->options->verbose > 0) {
        report_note("passed over:\n%s", refusals);
        return;
    }
    for (const char *p = end; *p; p = strchrnul(p, '\n'))
        others += *++p != '\0' && *p != ' ';
    if (others > 0)
        snprintf(more, sizeof more, " (and %zu more: -v)", others);
    else if (reason > room)
        snprintf(more, sizeof more, MORE);
    shown = shorten(refusals, reason, room - strlen(more));
    report_note("passed over: %.*s%s", shown, refusals, more);
    if (remedy == length)
        return;
    length -= remedy + strlen(")");
    room = LINE_BYTES - strlen("hint: ");
    shown = shorten(refusals + remedy, length, length > room ? room - strlen(MORE) : room);
    report_hint("%.*s%s", shown, refusals + remedy, (size_t)shown < length ? MORE : "");
}

/* A wall that is no virtual machine is always told, whatever the options. */
static void tell_backend(const struct session *session)
{
    const struct sconce_backend_info *backend = &session->backend;

    if (strcmp(backend->isolation, "vm") != 0)
        report_note("backend %s (isolation: %s%s%s)", backend->name, backend->isolation,
                    backend->description[0] ? "; " : "", backend->description);
    else if (session->options->verbose > 0)
        fprintf(stderr, "backend: %s (isolation: %s)\n", backend->name, backend->isolation);
}

/* @r: what loading came to. A file that cannot be read is the command line's fault. */
static int finish_load(struct session *session, int r, const struct sconce_error *err)
{
    struct sconce_backend_info backend = {.size = sizeof backend};
    int status;

    if (r < 0) {
        status = report_failure(session->options, err);
        if (status == STATUS_NO_BACKEND)
            report_hint("sconce doctor looks at this machine more closely");
        return err->code == SCONCE_E_SYSTEM ? STATUS_USAGE : status;
    }
    if (sconce_guest_backend(session->guest, &backend))
        session->backend = backend;
    tell_refusals(session);
    tell_backend(session);
    return STATUS_OK;
}

int session_load(struct session *session, const char *path)
{
    struct sconce_error err = {0};
    int r = sconce_guest_load_file(session->runtime, path, &session->guest, &err);

    return finish_load(session, r, &err);
}

int session_load_snapshot(struct session *session, const char *dir, const char *tag)
{
    struct sconce_error err = {0};
    int r =
        sconce_snapshot_open(session->runtime, dir, tag, &session->guest, &session->snapshot, &err);
    int status = finish_load(session, r, &err);

    return r == SCONCE_E_INVALID ? STATUS_USAGE : status; /* the tag that was named */
}

void session_close(struct session *session)
{
    sconce_snapshot_free(session->snapshot);
    sconce_guest_free(session->guest);
    sconce_runtime_free(session->runtime);
    sconce_config_free(session->config);
    *session = (struct session){0};
}
