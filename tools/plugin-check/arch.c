/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/arch.h"

static const struct check_arch *const arches[] = {&check_arch_x86_64, &check_arch_aarch64};

const struct check_arch *check_arch_of(const struct check *check)
{
    for (size_t i = 0; i < sizeof arches / sizeof arches[0]; i++) {
        if (arches[i]->machine == check->setup->machine)
            return arches[i];
    }
    return NULL;
}

enum check_outcome check_arch_known(struct check *check, const struct check_arch **ret_arch)
{
    *ret_arch = check_arch_of(check);
    if (*ret_arch)
        return CHECK_OK;
    return check_skip(check, "no code or registers of machine %u are known", check->setup->machine);
}
