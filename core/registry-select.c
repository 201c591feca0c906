/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend runs guests of a machine: candidates in order, every refusal kept and told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/elf-machine.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/text.h"
#include "core/registry-internal.h"

/* Why a candidate was passed over; what a person can most likely put right comes last. */
enum kind {
    WRONG_MACHINE,
    WRONG_FILE,  /* of backends.d */
    NO_WALL,     /* isolation = vm bars it, and it isolates nothing */
    WEAKER_WALL, /* isolation = vm bars it, and it isolates by something else */
    ABSENT,
    UNUSABLE, /* it could not be loaded, or its probe failed */
};

struct refusal {
    enum kind kind;
    struct sconce_error why;
};

struct selection {
    struct sconce_registry *registry;
    uint32_t machine;
    struct sconce_order order;
    char **installed;
    struct refusal *refusals;
    size_t refusal_count;
    struct sconce_backend *backend; /* NULL until one is found */
};

static void cleanup_selection(struct selection *selection)
{
    sconce_order_clear(&selection->order);
    sconce_order_free_names(selection->installed);
    free(selection->refusals);
}

static int no_memory(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

/* ---- Candidates ------------------------------------------------------------------------------ */

/* Keeps a refusal. Returns 0 so that the next candidate is tried. */
static int keep(struct selection *selection, enum kind kind, const struct sconce_error *why,
                struct sconce_error *err)
{
    struct refusal *refusals = reallocarray(selection->refusals, selection->refusal_count + 1,
                                            sizeof *selection->refusals);

    if (!refusals)
        return no_memory(err);
    selection->refusals = refusals;
    refusals[selection->refusal_count++] = (struct refusal){.kind = kind, .why = *why};
    sconce_log_line(selection->registry->log, SCONCE_LOG_DEBUG, "backend.refused", "%s", why->text);
    return 0;
}

static void add_names(struct sconce_text *text, char *const *names)
{
    size_t i;

    for (i = 0; names[i]; i++)
        sconce_text_add(text, "%s%s", i ? ", " : "", names[i]);
}

/* How to get a backend that is not there. */
static void hint_absent(const struct selection *selection, const char *name,
                        struct sconce_error *why)
{
    const struct sconce_backend_entry *entry = sconce_order_find(&selection->order, name);
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    struct sconce_nearest nearest;
    size_t i;

    sconce_nearest_start(&nearest, name);
    for (i = 0; selection->installed[i]; i++)
        sconce_nearest_offer(&nearest, selection->installed[i]);
    if (entry && entry->package && *entry->package)
        sconce_text_add(&hint, "install the package %s", entry->package);
    else if (nearest.best)
        sconce_text_add(&hint, "did you mean \"%s\"?", nearest.best);
    else if (selection->installed[0]) {
        sconce_text_add(&hint, "install the package of %s, or use one that is installed: ", name);
        add_names(&hint, selection->installed);
    } else
        sconce_text_add(&hint, "no backend is installed there at all");
    snprintf(why->hint, sizeof why->hint, "%s", sconce_text_get(&hint));
}

/* A machine in a sentence: its name, or "ELF machine 999". */
struct machine_word {
    char text[24];
};

static struct machine_word machine_word(uint32_t machine)
{
    const char *name = sconce_elf_machine_name(machine);
    struct machine_word word;

    if (name)
        snprintf(word.text, sizeof word.text, "%s", name);
    else
        snprintf(word.text, sizeof word.text, "ELF machine %u", machine);
    return word;
}

static int refuse_machine(const struct selection *selection, const char *name, uint32_t machine,
                          struct sconce_error *why)
{
    return sconce_fail(why, SCONCE_E_NO_BACKEND, "backend \"%s\" runs %s guests, not %s", name,
                       machine_word(machine).text, machine_word(selection->machine).text);
}

/* Sets selection->backend, or keeps a refusal. Fails for what no other candidate can make good:
 * a wrong setting, no memory. */
static int try_one(struct selection *selection, const char *name, struct sconce_error *err)
{
    struct sconce_registry *registry = selection->registry;
    struct sconce_error why = {0};
    struct sconce_plugin_found found;
    uint32_t machine;
    int r;

    r = sconce_registry_find(registry, name, &found, &why);
    if (r < 0 && found.absent)
        hint_absent(selection, name, &why);
    if (r < 0)
        return keep(selection, found.absent ? ABSENT : UNUSABLE, &why, err);
    machine = found.facts.machine;
    if (machine && machine != selection->machine) {
        refuse_machine(selection, name, machine, &why);
        return keep(selection, WRONG_MACHINE, &why, err);
    }
    r = sconce_registry_check_isolation(registry, name, found.facts.isolation, &why);
    if (r < 0)
        return keep(selection, strcmp(found.facts.isolation, "none") ? WEAKER_WALL : NO_WALL, &why,
                    err);
    r = sconce_registry_open(registry, &found, &selection->backend, &why);
    if (r == 0)
        return 0;
    if (r != SCONCE_E_CONFIG && r != SCONCE_E_NO_MEMORY)
        return keep(selection, UNUSABLE, &why, err);
    if (err)
        *err = why;
    return r;
}

static bool is_auto(const struct selection *selection)
{
    return !strcmp(selection->registry->settings->backends[0], "auto");
}

static int try_order(struct selection *selection, struct sconce_error *err)
{
    const struct sconce_order *order = &selection->order;
    size_t i;
    int r = 0;

    for (i = 0; i < order->count && r == 0 && !selection->backend; i++) {
        if (order->items[i].entry.name)
            r = try_one(selection, order->items[i].entry.name, err);
        else
            r = keep(selection, WRONG_FILE, &order->items[i].problem, err);
    }
    return r;
}

static int try_list(struct selection *selection, struct sconce_error *err)
{
    const char *const *names = selection->registry->settings->backends;
    int r = 0;

    for (; *names && r == 0 && !selection->backend; names++)
        r = try_one(selection, *names, err);
    return r;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* What is told as an error's hint: what a person can most likely put right, and a weaker wall. Each
 * may be NULL; they are never the same. */
struct remedies {
    const struct refusal *best;
    const struct refusal *weaker;
};

static struct remedies find_remedies(const struct selection *selection)
{
    struct remedies remedies = {0};
    size_t i;

    for (i = 0; i < selection->refusal_count; i++) {
        const struct refusal *refusal = &selection->refusals[i];

        if (!refusal->why.hint[0])
            continue;
        if (!remedies.best || refusal->kind > remedies.best->kind)
            remedies.best = refusal;
        if (!remedies.weaker && refusal->kind == WEAKER_WALL)
            remedies.weaker = refusal;
    }
    if (remedies.best && remedies.best->kind <= WEAKER_WALL)
        remedies.weaker = NULL;
    return remedies;
}

/* A line a refusal: each on an indented line of its own below what is there, or joined to a text.
 * With its hint, unless that is one of @told; @told NULL: without hints. */
static void add_refusals(const struct selection *selection, bool indent,
                         const struct remedies *told, struct sconce_text *text)
{
    size_t i;

    for (i = 0; i < selection->refusal_count; i++) {
        const struct refusal *refusal = &selection->refusals[i];

        sconce_text_add(text, "%s%s", indent ? "\n  " : i ? "\n" : "", refusal->why.text);
        if (told && refusal != told->best && refusal != told->weaker && refusal->why.hint[0])
            sconce_text_add(text, " (%s)", refusal->why.hint);
    }
}

static int fail_empty(const struct selection *selection, struct sconce_error *err)
{
    const struct sconce_settings *settings = selection->registry->settings;
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text names = {0};

    if (!selection->installed[0])
        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND,
                                "install a backend's package, or set plugin_dir to where they are",
                                "no backend is installed in %s", settings->plugin_dir);
    add_names(&names, selection->installed);
    return sconce_fail_hint(
        err, SCONCE_E_NO_BACKEND, "name one as backend, or install its NN-NAME.ini",
        "auto finds no backend: neither %s nor %s has a file that names one of "
        "those installed (%s)",
        settings->backends_dir, settings->backends_dir_etc, sconce_text_get(&names));
}

/* An installed backend for guests of the machine, were it configured; the caller looks at why it is
 * not. One that isolates nothing is none to recommend. */
static bool is_alternative(const struct selection *selection,
                           const struct sconce_plugin_facts *facts)
{
    return facts->machine == selection->machine ||
           (!facts->machine && strcmp(facts->isolation, "none") != 0);
}

/* Backends are called MECHANISM-ARCH: what is installed for another machine has a brother that
 * would do, on a host of the guest's machine. @last: the mechanism that was named before. */
static void add_brother(const struct selection *selection, const struct sconce_plugin_facts *facts,
                        char last[SCONCE_FACT_BYTES], struct sconce_text *text)
{
    const char *arch = sconce_elf_machine_name(selection->machine);

    if (!arch || !facts->machine || !strcmp(facts->mechanism, last))
        return;
    sconce_text_add(text, "%s%s-%s", text->used ? " or " : "", facts->mechanism, arch);
    memcpy(last, facts->mechanism, SCONCE_FACT_BYTES);
}

/* Every candidate was for another machine: say what is there, and what would do. */
static int fail_machine(const struct selection *selection, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text there = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text brothers = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    const struct machine_word wanted = machine_word(selection->machine);
    char last[SCONCE_FACT_BYTES] = "";
    size_t i;

    for (i = 0; selection->installed[i]; i++) {
        const char *name = selection->installed[i];
        struct sconce_plugin_found found;

        if (sconce_registry_find(selection->registry, name, &found, NULL) < 0)
            continue;
        if (is_alternative(selection, &found.facts)) {
            sconce_text_add(&hint, "backend \"%s\" is installed and runs them", name);
            return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint),
                                    "no backend that is configured runs %s guests", wanted.text);
        }
        sconce_text_add(&there, "%s%s for %s", there.used ? ", " : "", name,
                        found.facts.machine ? machine_word(found.facts.machine).text : "any");
        add_brother(selection, &found.facts, last, &brothers);
    }
    if (brothers.used)
        sconce_text_add(&hint, "%s would run it, on a host of that architecture",
                        sconce_text_get(&brothers));
    else
        sconce_text_add(&hint, "install the package of a backend for %s", wanted.text);
    return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint),
                            "no installed backend runs %s guests (installed: %s)", wanted.text,
                            sconce_text_get(&there));
}

static int fail_refused(const struct selection *selection, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text lines = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    const struct remedies remedies = find_remedies(selection);
    size_t i, other_machine = 0;

    for (i = 0; i < selection->refusal_count; i++)
        other_machine += selection->refusals[i].kind == WRONG_MACHINE;
    if (other_machine == selection->refusal_count)
        return fail_machine(selection, err);
    if (remedies.best)
        sconce_text_add(&hint, "%s", remedies.best->why.hint);
    if (remedies.weaker)
        sconce_text_add(&hint, "; or %s", remedies.weaker->why.hint);
    if (selection->refusal_count == 1)
        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint), "%s",
                                selection->refusals[0].why.text);
    add_refusals(selection, true, &remedies, &lines);
    if (err && lines.used + 64 > sizeof err->text) {
        sconce_text_free(&lines);
        add_refusals(selection, true, NULL, &lines);
    }
    return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint),
                            "no backend can be used for %s guests:%s",
                            machine_word(selection->machine).text, sconce_text_get(&lines));
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int prepare(struct selection *selection, struct sconce_error *err)
{
    const struct sconce_settings *settings = selection->registry->settings;
    int r = 0;

    /* Of a directory that others can write everything would be refused: say it once. */
    if (!settings->allow_untrusted_plugins)
        r = sconce_plugin_dir_trusted(settings->plugin_dir, err);
    if (r == 0)
        r = sconce_order_read(settings->backends_dir, settings->backends_dir_etc, &selection->order,
                              err);
    if (r == 0)
        r = sconce_order_installed(settings->plugin_dir, &selection->installed, err);
    return r;
}

static int remember(const struct selection *selection, struct sconce_registry_choice **ret_choice,
                    struct sconce_error *err)
{
    struct sconce_registry *registry = selection->registry;
    struct sconce_registry_choice *choice = calloc(1, sizeof *choice);
    const struct remedies none = {0};
    struct sconce_text lines = {0};

    if (!choice)
        return no_memory(err);
    add_refusals(selection, false, &none, &lines);
    *choice = (struct sconce_registry_choice){.next = registry->choices,
                                              .machine = selection->machine,
                                              .backend = selection->backend,
                                              .refusals = sconce_text_take(&lines)};
    if (!choice->refusals) {
        free(choice);
        return no_memory(err);
    }
    registry->choices = choice;
    *ret_choice = choice;
    return 0;
}

static int choose(struct sconce_registry *registry, uint32_t machine,
                  struct sconce_registry_choice **ret_choice, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_selection)
    struct selection selection = {.registry = registry, .machine = machine};
    int r = prepare(&selection, err);

    if (r == 0)
        r = is_auto(&selection) ? try_order(&selection, err) : try_list(&selection, err);
    if (r < 0)
        return r;
    if (!selection.backend)
        return selection.refusal_count ? fail_refused(&selection, err)
                                       : fail_empty(&selection, err);
    sconce_log_line(registry->log, SCONCE_LOG_INFO, "backend.selected",
                    "%s (isolation %s) for %s guests", selection.backend->name,
                    selection.backend->isolation, machine_word(machine).text);
    return remember(&selection, ret_choice, err);
}

int sconce_registry_select(struct sconce_registry *registry, uint32_t machine,
                           struct sconce_backend **ret_backend, char **ret_refusals,
                           struct sconce_error *err)
{
    struct sconce_registry_choice *choice;
    char *refusals = NULL;
    int r = 0;

    pthread_mutex_lock(&registry->lock);
    for (choice = registry->choices; choice; choice = choice->next)
        if (choice->machine == machine)
            break;
    if (!choice)
        r = choose(registry, machine, &choice, err);
    pthread_mutex_unlock(&registry->lock);
    if (r < 0)
        return r;
    /* Choices live, unchanged, as long as the registry. */
    refusals = strdup(choice->refusals);
    if (!refusals)
        return no_memory(err);
    *ret_backend = choice->backend;
    *ret_refusals = refusals;
    return 0;
}
