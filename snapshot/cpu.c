/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of names; which names there are is cpu-ARCH.c's. */
#include "snapshot/cpu.h"

#include <stdio.h>
#include <string.h>

bool sconce_cpu_add(struct sconce_cpu *cpu, const char *name)
{
    size_t bytes = strlen(name) + 1;

    if (cpu->count == SCONCE_CPU_FEATURES_MOST || bytes > SCONCE_CPU_NAME_BYTES)
        return false;
    memcpy(cpu->names[cpu->count++], name, bytes);
    return true;
}

static bool has(const struct sconce_cpu *cpu, const char *name)
{
    for (uint32_t i = 0; i < cpu->count; i++)
        if (strcmp(cpu->names[i], name) == 0)
            return true;
    return false;
}

uint32_t sconce_cpu_lacks(const struct sconce_cpu *cpu, const struct sconce_cpu *wanted,
                          char *ret_text, size_t text_bytes)
{
    uint32_t missing = 0;
    size_t used = 0;

    ret_text[0] = '\0';
    for (uint32_t i = 0; i < wanted->count; i++) {
        int n;

        if (has(cpu, wanted->names[i]))
            continue;
        n = snprintf(ret_text + used, text_bytes - used, "%s%s", missing++ ? " " : "",
                     wanted->names[i]);
        used += (size_t)n < text_bytes - used ? (size_t)n : text_bytes - used - 1;
    }
    return missing;
}
