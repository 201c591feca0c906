/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>

#include "sconce-plugin.h"
#include "snapshot/config-internal.h"

struct word {
    const char *name;
    uint32_t number;
};

static const struct word architectures[] = {
    {"amd64", EM_X86_64}, {"arm64", EM_AARCH64}, {"riscv64", EM_RISCV}};

static const struct word roles[] = {{"image", SCONCE_MEM_IMAGE},
                                    {"state", SCONCE_MEM_STATE},
                                    {"io", SCONCE_MEM_IO},
                                    {"boot", SCONCE_MEM_BOOT}};

#define COUNT(words) (sizeof(words) / sizeof(words)[0])

static const char *name_of(const struct word *words, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].number == number)
            return words[i].name;
    return "unknown";
}

static bool find(const struct word *words, size_t count, const char *name, uint32_t *ret_number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].name, name) != 0)
            continue;
        *ret_number = words[i].number;
        return true;
    }
    return false;
}

const char *sconce_architecture_name(uint32_t machine)
{
    return name_of(architectures, COUNT(architectures), machine);
}

bool sconce_architecture_find(const char *name, uint32_t *ret_machine)
{
    return find(architectures, COUNT(architectures), name, ret_machine);
}

const char *sconce_region_role_name(uint32_t role)
{
    return name_of(roles, COUNT(roles), role);
}

bool sconce_region_role_find(const char *name, uint32_t *ret_role)
{
    return find(roles, COUNT(roles), name, ret_role);
}
