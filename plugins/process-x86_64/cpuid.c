/* SPDX-License-Identifier: Apache-2.0 */
/* What the processor has. Guests see it as it is: a process cannot hide it where CPUID does not
 * fault. Only what the frames of signals need is kept. */
#include <cpuid.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/cpuid.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/plugin-error.h"

static void read_leaf(uint32_t leaf, uint32_t subleaf, struct sconce_x86_cpuid *ret_entry)
{
    *ret_entry = (struct sconce_x86_cpuid){.leaf = leaf, .subleaf = subleaf};
    __cpuid_count(leaf, subleaf, ret_entry->eax, ret_entry->ebx, ret_entry->ecx, ret_entry->edx);
}

int32_t process_x86_cpuid_read(struct process_x86_facts *facts, struct sconce_plugin_error *err)
{
    /* Leaf 0xd and what the policy makes it depend on. */
    static const struct {
        uint32_t leaf, subleaf;
    } wanted[] = {{0, 0},   {1, 0},   {7, 0},   {0xd, 0}, {0xd, 1},
                  {0xd, 2}, {0xd, 5}, {0xd, 6}, {0xd, 7}};
    struct sconce_x86_cpuid entries[sizeof wanted / sizeof wanted[0]];
    size_t count = sizeof wanted / sizeof wanted[0];

    for (size_t i = 0; i < count; i++)
        read_leaf(wanted[i].leaf, wanted[i].subleaf, &entries[i]);
    count = sconce_x86_cpuid_apply(entries, count);
    facts->xcr0 = sconce_x86_xcr0(entries, count);
    if (sconce_x86_xsave_layout(entries, count, facts->xstate_bytes, &facts->xsave))
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0, NULL,
                              "the processor describes SIMD state that this backend does not know");
}
