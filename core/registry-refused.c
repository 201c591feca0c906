/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told when a backend, or every one, was passed over: why, and what to do. */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/elf-machine.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/text.h"
#include "core/registry-internal.h"
#include "core/registry-selection.h"

static void add_names(struct sconce_text *text, char *const *names)
{
    size_t i;

    for (i = 0; names[i]; i++)
        sconce_text_add(text, "%s%s", i ? ", " : "", names[i]);
}

/* How to get a backend that is not there. */
void sconce_refusal_hint_absent(const struct sconce_selection *selection, const char *name,
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

int sconce_refusal_of_machine(const struct sconce_selection *selection, const char *name,
                              uint32_t machine, struct sconce_error *why)
{
    return sconce_fail(why, SCONCE_E_NO_BACKEND, "backend \"%s\" runs %s guests, not %s", name,
                       sconce_elf_machine_word(machine).text,
                       sconce_elf_machine_word(selection->machine).text);
}

/* What is told as an error's hint: what a person can most likely put right, and a weaker wall. Each
 * may be NULL; they are never the same. */
struct remedies {
    const struct sconce_refusal *best;
    const struct sconce_refusal *weaker;
};

static struct remedies find_remedies(const struct sconce_selection *selection)
{
    struct remedies remedies = {0};
    size_t i;

    for (i = 0; i < selection->refusal_count; i++) {
        const struct sconce_refusal *refusal = &selection->refusals[i];

        if (!refusal->why.hint[0])
            continue;
        if (!remedies.best || refusal->kind > remedies.best->kind)
            remedies.best = refusal;
        if (!remedies.weaker && refusal->kind == SCONCE_REFUSAL_WEAKER_WALL)
            remedies.weaker = refusal;
    }
    if (remedies.best && remedies.best->kind <= SCONCE_REFUSAL_WEAKER_WALL)
        remedies.weaker = NULL;
    return remedies;
}

/* A line a refusal: each on an indented line of its own below what is there, or joined to a text.
 * With its hint, unless that is one of @told; @told NULL: without hints. */
static void add_refusals(const struct sconce_selection *selection, bool indent,
                         const struct remedies *told, struct sconce_text *text)
{
    size_t i;

    for (i = 0; i < selection->refusal_count; i++) {
        const struct sconce_refusal *refusal = &selection->refusals[i];

        sconce_text_add(text, "%s%s", indent ? "\n  " : i ? "\n" : "", refusal->why.text);
        if (told && refusal != told->best && refusal != told->weaker && refusal->why.hint[0])
            sconce_text_add(text, " (%s)", refusal->why.hint);
    }
}

void sconce_refusals_list(const struct sconce_selection *selection, struct sconce_text *text)
{
    const struct remedies none = {0};

    add_refusals(selection, false, &none, text);
}

int sconce_selection_fail_empty(const struct sconce_selection *selection, struct sconce_error *err)
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

/* One that isolates nothing is none to recommend. */
static bool has_wall(const struct sconce_plugin_facts *facts)
{
    return strcmp(facts->isolation, "none") != 0;
}

/* An installed backend for guests of the machine, were it configured. */
static bool is_alternative(const struct sconce_selection *selection,
                           const struct sconce_plugin_facts *facts)
{
    return (!facts->machine || facts->machine == selection->machine) && has_wall(facts);
}

/* Backends are called MECHANISM-ARCH: what is installed for another machine has a brother that
 * would do, on a host of the guest's machine. @last: the mechanism that was named before. */
static void add_brother(const struct sconce_selection *selection,
                        const struct sconce_plugin_facts *facts, char last[SCONCE_FACT_BYTES],
                        struct sconce_text *text)
{
    const char *arch = sconce_elf_machine_name(selection->machine);

    if (!arch || !facts->machine || !has_wall(facts) || !strcmp(facts->mechanism, last))
        return;
    sconce_text_add(text, "%s%s-%s", text->used ? " or " : "", facts->mechanism, arch);
    memcpy(last, facts->mechanism, SCONCE_FACT_BYTES);
}

/* Every candidate was for another machine: say what is there, and what would do. */
static int fail_machine(const struct sconce_selection *selection, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text there = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text brothers = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    const struct sconce_elf_machine_word wanted = sconce_elf_machine_word(selection->machine);
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
                        found.facts.machine ? sconce_elf_machine_word(found.facts.machine).text
                                            : "any");
        add_brother(selection, &found.facts, last, &brothers);
    }
    if (brothers.used)
        sconce_text_add(&hint, "it wants a backend such as %s, on a host of that architecture",
                        sconce_text_get(&brothers));
    else
        sconce_text_add(&hint, "install the package of a backend for %s", wanted.text);
    return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint),
                            "no installed backend runs %s guests (installed: %s)", wanted.text,
                            sconce_text_get(&there));
}

int sconce_selection_fail_refused(const struct sconce_selection *selection,
                                  struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text lines = {0};
    SCONCE_CLEANUP(sconce_text_free) struct sconce_text hint = {0};
    const struct remedies remedies = find_remedies(selection);
    size_t i, other_machine = 0;

    for (i = 0; i < selection->refusal_count; i++)
        other_machine += selection->refusals[i].kind == SCONCE_REFUSAL_WRONG_MACHINE;
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
    return sconce_fail_hint(
        err, SCONCE_E_NO_BACKEND, sconce_text_get(&hint), "no backend can be used for %s guests:%s",
        sconce_elf_machine_word(selection->machine).text, sconce_text_get(&lines));
}
