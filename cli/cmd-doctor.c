/* SPDX-License-Identifier: Apache-2.0 */
/* sconce doctor: what keeps guests from running here, a line a check, each with its remedy. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "doctor-device.h"
#include "json.h"
#include "report.h"
#include "session.h"
#include "text.h"
#include "version.h"

#define MAX_DEVICES 8u
#define NAME_WIDTH 16

struct doctor {
    const struct options *options;
    struct json json;
    char devices[MAX_DEVICES][64]; /* checked already */
    size_t device_count;
    char hint_told[512]; /* not told twice in a row */
};

/* @result: "ok", "warn" (something will not work), "fail" (nothing will), or "note". */
static void row(struct doctor *doctor, const char *result, const char *name, const char *hint,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

static void row(struct doctor *doctor, const char *result, const char *name, const char *hint,
                const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (doctor->options->json) {
        json_open_object(&doctor->json, NULL);
        json_text(&doctor->json, "check", name);
        json_text(&doctor->json, "result", result);
        json_text(&doctor->json, "text", text);
        json_text(&doctor->json, "hint", hint);
        json_close_object(&doctor->json);
        return;
    }
    printf("%-5s %-*s ", result, NAME_WIDTH, name);
    text_put_indented(stdout, text);
    putchar('\n');
    if (*hint && strcmp(hint, doctor->hint_told) != 0) {
        printf("%*shint: ", 6, "");
        text_put_indented(stdout, hint);
        putchar('\n');
    }
    snprintf(doctor->hint_told, sizeof doctor->hint_told, "%s", hint);
}

/* Counts what does not come from the built-in defaults, and keeps the plugin directory. */
struct config_facts {
    size_t changed;
    char plugin_dir[512];
    char isolation[8];
    bool trusts_anybody;
};

static int gather(void *ctx, const char *key, const char *value, const char *origin,
                  const char *help)
{
    struct config_facts *facts = ctx;

    (void)help;
    facts->changed += strcmp(origin, "default") != 0;
    if (strcmp(key, "runtime.plugin_dir") == 0)
        snprintf(facts->plugin_dir, sizeof facts->plugin_dir, "%s", value);
    if (strcmp(key, "runtime.allow_untrusted_plugins") == 0)
        facts->trusts_anybody = strcmp(value, "no") != 0;
    if (strcmp(key, "runtime.isolation") == 0)
        snprintf(facts->isolation, sizeof facts->isolation, "%s", value);
    return 0;
}

static void check_device(struct doctor *doctor, const char *path)
{
    char text[128], hint[320];

    for (size_t i = 0; i < doctor->device_count; i++)
        if (strcmp(doctor->devices[i], path) == 0)
            return;
    if (doctor->device_count < MAX_DEVICES)
        snprintf(doctor->devices[doctor->device_count++], sizeof doctor->devices[0], "%s", path);
    if (device_check(path, text, sizeof text, hint, sizeof hint))
        row(doctor, "ok", path, "", "%s", text);
    else
        row(doctor, "warn", path, hint, "%s", text);
}

/* What the installed backends need; KVM's device even where no backend for it is installed. */
static void check_devices(struct doctor *doctor, const struct backends *backends)
{
    char path[64];

    for (size_t i = 0; i < backends->count; i++) {
        const char *needs = backends->items[i].requires_;

        while (device_next(&needs, path, sizeof path))
            check_device(doctor, path);
    }
    check_device(doctor, "/dev/kvm");
}

static void check_backend(struct doctor *doctor, const struct backend *backend)
{
    if (backend->verdict != BACKEND_WORKS)
        row(doctor, "warn", backend->name, backend->hint, "(isolation: %s) %s",
            backend->isolation[0] ? backend->isolation : "unknown", backend->problem);
    else
        row(doctor, "ok", backend->name, "", "(isolation: %s) works%s%s%s", backend->isolation,
            backend->description[0] ? ": " : "", backend->description,
            backend->allowed ? "" : "; used only with --isolation=any");
}

static int conclude(struct doctor *doctor, const struct backends *backends)
{
    const struct backend *second_best = NULL;
    char hint[256] = "mend what is marked above; sconce(1), BACKENDS, tells what each needs";

    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->items[i];

        if (backend->verdict != BACKEND_WORKS)
            continue;
        if (backend_isolates(backend)) {
            row(doctor, "ok", "conclusion", "", "guests for %s can run in virtual machines, on %s",
                backend->arch, backend->name);
            return STATUS_OK;
        }
        if (!second_best && strcmp(backend->isolation, "process") == 0)
            second_best = backend;
    }
    if (second_best)
        snprintf(hint, sizeof hint,
                 "guests that may share this machine's kernel can run with --isolation=any "
                 "--backend=%.64s",
                 second_best->name);
    row(doctor, "fail", "conclusion", hint, "no backend can run guests in virtual machines here");
    return STATUS_NO_BACKEND;
}

static int check_all(struct doctor *doctor, struct session *session)
{
    struct config_facts facts = {0};
    struct backends backends = {0};
    int status;

    sconce_config_each(session->config, gather, &facts);
    row(doctor, "ok", "configuration", "",
        "%zu setting%s not by default (sconce config tells); "
        "isolation=%s",
        facts.changed, facts.changed == 1 ? "" : "s", facts.isolation);
    if (facts.trusts_anybody)
        row(doctor, "warn", "trust",
            "set allow_untrusted_plugins = no, unless you develop backends",
            "backends are loaded even from directories that others can write");
    if (backends_list(&backends, session) != STATUS_OK)
        row(doctor, "fail", "plugin directory", "", "cannot be listed: see the error above");
    else if (backends.count == 0)
        row(doctor, "fail", "plugin directory",
            "install a backend (packages sconce-backend-...), or name another --plugin-dir",
            "%s holds no backend", facts.plugin_dir);
    else
        row(doctor, "ok", "plugin directory", "", "%s, %zu backend%s", facts.plugin_dir,
            backends.count, backends.count == 1 ? "" : "s");
    check_devices(doctor, &backends);
    backends_probe(&backends, doctor->options);
    for (size_t i = 0; i < backends.count; i++)
        check_backend(doctor, &backends.items[i]);
    status = conclude(doctor, &backends);
    backends_free(&backends);
    return status;
}

int cmd_doctor(const struct options *options)
{
    struct doctor doctor = {.options = options, .json = {.out = stdout}};
    /* Failures before the checks begin are this command's rows, not documents of their own. */
    struct options quiet = *options;
    struct session session = {0};
    int status;

    quiet.json = false;
    status = session_configure(&session, &quiet);
    if (options->json) {
        json_open_object(&doctor.json, NULL);
        json_open_array(&doctor.json, "checks");
    }
    row(&doctor, "note", "version", "",
        "sconce " CLI_VERSION ", libsconce %s, guest ABI " CLI_GUEST_ABI
        ", plugin ABI " CLI_PLUGIN_ABI,
        sconce_version());
    if (status == STATUS_OK)
        status = check_all(&doctor, &session);
    else
        row(&doctor, "fail", "configuration", "sconce config --check FILE checks one file",
            "cannot be used: see the error above");
    if (options->json) {
        json_close_array(&doctor.json);
        json_bool(&doctor.json, "usable", status == STATUS_OK);
        json_close_object(&doctor.json);
    }
    session_close(&session);
    return status;
}
