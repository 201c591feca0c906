/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <stdio.h>
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

/* ---- Texts ----------------------------------------------------------------------------------- */

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"

void sconce_guest_name_from(const char *path, char ret_name[SCONCE_GUEST_NAME_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    snprintf(ret_name, SCONCE_GUEST_NAME_BYTES, "%.*s", (int)SCONCE_GUEST_NAME_BYTES - 1,
             *name ? name : "guest");
    if (ret_name[0] == '-')
        ret_name[0] = '_';
    for (char *p = ret_name; *p; p++)
        if (!strchr(NAME_CHARACTERS, *p))
            *p = '_';
}

bool sconce_guest_name_is_good(const char *name)
{
    size_t bytes = strlen(name);

    return bytes > 0 && bytes < SCONCE_GUEST_NAME_BYTES && name[0] != '-' &&
           strspn(name, NAME_CHARACTERS) == bytes;
}

bool sconce_created_is_good(const char *created)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    bool good = strlen(created) == sizeof form - 1;

    for (size_t i = 0; good && form[i]; i++)
        good = form[i] == '0' ? created[i] >= '0' && created[i] <= '9' : created[i] == form[i];
    return good;
}
