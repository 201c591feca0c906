/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor-facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

int doctor_gather(void *ctx, const char *key, const char *value, const char *origin,
                  const char *help)
{
    struct doctor_facts *facts = ctx;

    (void)help;
    facts->changed += strcmp(origin, "default") != 0;
    if (strcmp(key, "runtime.backend") == 0) {
        facts->backend = report_strdup(value);
        facts->backend_origin = report_strdup(origin);
    }
    if (strcmp(key, "runtime.plugin_dir") == 0)
        snprintf(facts->plugin_dir, sizeof facts->plugin_dir, "%s", value);
    if (strcmp(key, "runtime.allow_untrusted_plugins") == 0)
        facts->trusts_anybody = strcmp(value, "no") != 0;
    if (strcmp(key, "runtime.isolation") == 0)
        snprintf(facts->isolation, sizeof facts->isolation, "%s", value);
    return 0;
}

void doctor_facts_free(struct doctor_facts *facts)
{
    free(facts->backend);
    free(facts->backend_origin);
}

bool doctor_auto(const struct doctor_facts *facts)
{
    return strcmp(facts->backend, "auto") == 0;
}

bool doctor_next_name(const char **list, const char **ret_name, int *ret_length)
{
    *ret_name = *list + strspn(*list, ", \t");
    *ret_length = (int)strcspn(*ret_name, ", \t");
    *list = *ret_name + *ret_length;
    return *ret_length > 0;
}

static bool is_named(const char *name, int length, const struct backend *backend)
{
    return strlen(backend->name) == (size_t)length &&
           memcmp(backend->name, name, (size_t)length) == 0;
}

bool doctor_chooses(const struct doctor_facts *facts, const struct backend *backend)
{
    const char *list = facts->backend, *name;
    int length;

    if (doctor_auto(facts))
        return true;
    while (doctor_next_name(&list, &name, &length))
        if (is_named(name, length, backend))
            return true;
    return false;
}

const struct backend *doctor_find(const struct backends *backends, const char *name, int length)
{
    for (size_t i = 0; i < backends->count; i++)
        if (is_named(name, length, &backends->items[i]))
            return &backends->items[i];
    return NULL;
}
