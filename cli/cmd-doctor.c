/* SPDX-License-Identifier: Apache-2.0 */
/* sconce doctor: what keeps guests from running here, a line a check, each with its remedy. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "doctor-device.h"
#include "doctor-facts.h"
#include "json.h"
#include "report.h"
#include "session.h"
#include "text.h"
#include "version.h"

#define MAX_DEVICES 8u
#define NAME_WIDTH 16

struct device {
    char path[64];
    bool fine;
};

struct doctor {
    const struct options *options;
    struct json json;
    struct device devices[MAX_DEVICES]; /* checked already */
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

static const struct device *find_device(const struct doctor *doctor, const char *path)
{
    for (size_t i = 0; i < doctor->device_count; i++)
        if (strcmp(doctor->devices[i].path, path) == 0)
            return &doctor->devices[i];
    return NULL;
}

static void check_device(struct doctor *doctor, const char *path)
{
    char text[128], hint[320];
    bool fine;

    if (find_device(doctor, path))
        return;
    fine = device_check(path, text, sizeof text, hint, sizeof hint);
    if (doctor->device_count < MAX_DEVICES) {
        struct device *device = &doctor->devices[doctor->device_count++];

        snprintf(device->path, sizeof device->path, "%s", path);
        device->fine = fine;
    }
    row(doctor, fine ? "ok" : "warn", path, hint, "%s", text);
}

/* Does it lack a device? Then the device's row has said what to do. */
static bool lacks_device(const struct doctor *doctor, const struct backend *backend)
{
    const char *needs = backend->requires_;
    char path[64];

    while (device_next(&needs, path, sizeof path)) {
        const struct device *device = find_device(doctor, path);

        if (device && !device->fine)
            return true;
    }
    return false;
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

/* Names that the configuration chooses, and no file has. */
static void check_chosen(struct doctor *doctor, const struct backends *backends,
                         const struct doctor_facts *facts)
{
    const char *list = facts->backend, *name;
    char check[64];
    int length;

    if (doctor_auto(facts))
        return;
    while (doctor_next_name(&list, &name, &length)) {
        if (doctor_find(backends, name, length))
            continue;
        snprintf(check, sizeof check, "%.*s", length, name);
        row(doctor, "fail", check,
            "install it, or choose one that is installed (sconce backends lists them), or auto",
            "backend \"%.*s\" is chosen by %s but not installed", length, name,
            facts->backend_origin);
    }
}

static void check_backend(struct doctor *doctor, const struct backend *backend,
                          const struct doctor_facts *facts)
{
    const char *unused = doctor_chooses(facts, backend) ? "" : "; not chosen by the configuration";

    if (backend->verdict != BACKEND_WORKS)
        row(doctor, "warn", backend->name, lacks_device(doctor, backend) ? "" : backend->hint,
            "(isolation: %s) %s%s", backend->isolation[0] ? backend->isolation : "unknown",
            backend->problem, unused);
    else
        row(doctor, "ok", backend->name, "", "(isolation: %s) works%s%s%s%s", backend->isolation,
            backend->description[0] ? ": " : "", backend->description,
            backend->allowed ? "" : "; used only with --isolation=any", unused);
}

static bool is_usable(const struct backend *backend)
{
    return backend->verdict == BACKEND_WORKS && backend->allowed;
}

/* What runs no guest code is taken only when it is named. */
static bool runs_guests(const struct backend *backend)
{
    return strcmp(backend->isolation, "none") != 0;
}

/* The one that a call would take: the first of the list, or of auto's order. */
static const struct backend *find_usable(const struct backends *backends,
                                         const struct doctor_facts *facts)
{
    const char *list = facts->backend, *name;
    int length;

    if (doctor_auto(facts)) {
        for (size_t i = 0; i < backends->count; i++)
            if (is_usable(&backends->items[i]) && runs_guests(&backends->items[i]))
                return &backends->items[i];
        return NULL;
    }
    while (doctor_next_name(&list, &name, &length)) {
        const struct backend *backend = doctor_find(backends, name, length);

        if (backend && is_usable(backend))
            return backend;
    }
    return NULL;
}

/* Does the configuration choose one that would be a virtual machine, did it work? */
static bool lacks_vm(const struct backends *backends, const struct doctor_facts *facts)
{
    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->items[i];

        if (backend_isolates(backend) && backend->verdict != BACKEND_WORKS &&
            doctor_chooses(facts, backend))
            return true;
    }
    return false;
}

static int conclude_usable(struct doctor *doctor, const struct backend *backend, bool no_vm)
{
    const char *hint =
        no_vm ? "for virtual machines, a stronger wall, mend what is marked above" : "";

    if (backend_isolates(backend))
        row(doctor, "ok", "conclusion", "", "guests for %s can run in virtual machines, on %s",
            backend->arch, backend->name);
    else if (runs_guests(backend))
        row(doctor, "ok", "conclusion", hint,
            "guests for %s can run, on %s, in no virtual machine (isolation: %s)", backend->arch,
            backend->name, backend->isolation);
    else
        row(doctor, "ok", "conclusion", "",
            "calls are answered by %s, which runs no guest code (isolation: none)", backend->name);
    return STATUS_OK;
}

/* One whose isolation is not allowed, and what allowing it means. */
static void hint_barred(const struct backend *backend, bool chosen, bool no_vm, char *hint,
                        size_t bytes)
{
    if (!runs_guests(backend))
        snprintf(hint, bytes, "%.64s, which runs no guest code, is taken only with --isolation=any",
                 backend->name);
    else
        snprintf(hint, bytes,
                 "%s--isolation=any%s%.64s: %.64s works here, and the wall is then this machine's "
                 "kernel, not a hypervisor",
                 no_vm ? "mend what is marked above for virtual machines; or use " : "use ",
                 chosen ? "" : " --backend=", chosen ? "" : backend->name, backend->name);
}

/* What to choose instead, where something works: a wider isolation, or another backend. */
static void hint_unusable(const struct backends *backends, const struct doctor_facts *facts,
                          char *hint, size_t bytes)
{
    const struct backend *barred = NULL, *other = NULL;

    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->items[i];
        bool chosen = doctor_chooses(facts, backend);

        if (backend->verdict != BACKEND_WORKS)
            continue;
        if (!other && !chosen && backend->allowed && runs_guests(backend))
            other = backend;
        if (backend->allowed || (!runs_guests(backend) && (doctor_auto(facts) || !chosen)))
            continue;
        if (!barred || (chosen && !doctor_chooses(facts, barred)))
            barred = backend;
    }
    if (other)
        snprintf(hint, bytes, "%.64s works here: choose it, or auto (--backend=auto)", other->name);
    else if (barred)
        hint_barred(barred, doctor_chooses(facts, barred), lacks_vm(backends, facts), hint, bytes);
    else
        snprintf(hint, bytes,
                 "mend what is marked above; sconce(1), BACKENDS, tells what each needs");
}

static int conclude(struct doctor *doctor, const struct backends *backends,
                    const struct doctor_facts *facts)
{
    const struct backend *backend = find_usable(backends, facts);
    char hint[320];

    if (backend)
        return conclude_usable(doctor, backend, lacks_vm(backends, facts));
    hint_unusable(backends, facts, hint, sizeof hint);
    if (!doctor_auto(facts))
        row(doctor, "fail", "conclusion", hint,
            "no backend that %s chooses (%s) can be used under isolation=%s", facts->backend_origin,
            facts->backend, facts->isolation);
    else if (strcmp(facts->isolation, "vm") == 0)
        row(doctor, "fail", "conclusion", hint,
            "no backend can run guests in virtual machines here");
    else
        row(doctor, "fail", "conclusion", hint, "no backend can run guests here");
    return STATUS_NO_BACKEND;
}

static int check_all(struct doctor *doctor, struct session *session)
{
    struct doctor_facts facts = {0};
    struct backends backends = {0};
    bool listed;
    int status;

    sconce_config_each(session->config, doctor_gather, &facts);
    row(doctor, "ok", "configuration", "",
        "%zu setting%s not by default (sconce config tells); "
        "backend=%s, isolation=%s",
        facts.changed, facts.changed == 1 ? "" : "s", facts.backend, facts.isolation);
    if (facts.trusts_anybody)
        row(doctor, "warn", "trust",
            "set allow_untrusted_plugins = no, unless you develop backends",
            "backends are loaded even from directories that others can write");
    listed = backends_list(&backends, session) == STATUS_OK;
    if (!listed)
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
        check_backend(doctor, &backends.items[i], &facts);
    if (listed)
        check_chosen(doctor, &backends, &facts);
    status = conclude(doctor, &backends, &facts);
    backends_free(&backends);
    doctor_facts_free(&facts);
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
