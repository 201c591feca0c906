/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend runs guests of a machine: candidates in order, every refusal kept. What is told of
 * them is for registry-refused.c. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/elf-machine.h"
#include "common/error.h"
#include "core/registry-internal.h"
#include "core/registry-selection.h"

static void cleanup_selection(struct sconce_selection *selection)
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
static int keep(struct sconce_selection *selection, enum sconce_refusal_kind kind,
                const struct sconce_error *why, struct sconce_error *err)
{
    struct sconce_refusal *refusals = reallocarray(
        selection->refusals, selection->refusal_count + 1, sizeof *selection->refusals);

    if (!refusals)
        return no_memory(err);
    selection->refusals = refusals;
    refusals[selection->refusal_count++] = (struct sconce_refusal){.kind = kind, .why = *why};
    sconce_log_line(selection->registry->log, SCONCE_LOG_DEBUG, "backend.refused", "%s", why->text);
    return 0;
}

/* Sets selection->backend, or keeps a refusal. Fails for what no other candidate can make good:
 * a wrong setting, no memory. */
static int try_one(struct sconce_selection *selection, const char *name, struct sconce_error *err)
{
    struct sconce_registry *registry = selection->registry;
    struct sconce_error why = {0};
    struct sconce_plugin_found found;
    uint32_t machine;
    int r;

    r = sconce_registry_find(registry, name, &found, &why);
    if (r < 0 && found.absent)
        sconce_refusal_hint_absent(selection, name, &why);
    if (r < 0)
        return keep(selection, found.absent ? SCONCE_REFUSAL_ABSENT : SCONCE_REFUSAL_UNUSABLE, &why,
                    err);
    machine = found.facts.machine;
    if (machine && machine != selection->machine) {
        sconce_refusal_of_machine(selection, name, machine, &why);
        return keep(selection, SCONCE_REFUSAL_WRONG_MACHINE, &why, err);
    }
    r = sconce_registry_check_isolation(registry, name, found.facts.isolation, &why);
    if (r < 0)
        return keep(selection,
                    strcmp(found.facts.isolation, "none") ? SCONCE_REFUSAL_WEAKER_WALL
                                                          : SCONCE_REFUSAL_NO_WALL,
                    &why, err);
    r = sconce_registry_open(registry, &found, &selection->backend, &why);
    if (r == 0)
        return 0;
    if (r != SCONCE_E_CONFIG && r != SCONCE_E_NO_MEMORY)
        return keep(selection, SCONCE_REFUSAL_UNUSABLE, &why, err);
    if (err)
        *err = why;
    return r;
}

static bool is_auto(const struct sconce_selection *selection)
{
    return !strcmp(selection->registry->settings->backends[0], "auto");
}

static int try_order(struct sconce_selection *selection, struct sconce_error *err)
{
    const struct sconce_order *order = &selection->order;
    size_t i;
    int r = 0;

    for (i = 0; i < order->count && r == 0 && !selection->backend; i++) {
        if (order->items[i].entry.name)
            r = try_one(selection, order->items[i].entry.name, err);
        else
            r = keep(selection, SCONCE_REFUSAL_WRONG_FILE, &order->items[i].problem, err);
    }
    return r;
}

static int try_list(struct sconce_selection *selection, struct sconce_error *err)
{
    const char *const *names = selection->registry->settings->backends;
    int r = 0;

    for (; *names && r == 0 && !selection->backend; names++)
        r = try_one(selection, *names, err);
    return r;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int prepare(struct sconce_selection *selection, struct sconce_error *err)
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

static int remember(const struct sconce_selection *selection,
                    struct sconce_registry_choice **ret_choice, struct sconce_error *err)
{
    struct sconce_registry *registry = selection->registry;
    struct sconce_registry_choice *choice = calloc(1, sizeof *choice);
    struct sconce_text lines = {0};

    if (!choice)
        return no_memory(err);
    sconce_refusals_list(selection, &lines);
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
    struct sconce_selection selection = {.registry = registry, .machine = machine};
    int r = prepare(&selection, err);

    if (r == 0)
        r = is_auto(&selection) ? try_order(&selection, err) : try_list(&selection, err);
    if (r < 0)
        return r;
    if (!selection.backend)
        return selection.refusal_count ? sconce_selection_fail_refused(&selection, err)
                                       : sconce_selection_fail_empty(&selection, err);
    sconce_log_line(registry->log, SCONCE_LOG_INFO, "backend.selected",
                    "%s (isolation %s) for %s guests", selection.backend->name,
                    selection.backend->isolation, sconce_elf_machine_word(machine).text);
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
