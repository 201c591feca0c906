/* SPDX-License-Identifier: Apache-2.0 */
/* Own memory: the supervisor's pages, then the tables, which are mapped nowhere. */
#include "plugins/shared/aarch64/vcpu.h"
#include "plugins/shared/plugin-error.h"

#define MAX_RANGES (SCONCE_PLUGIN_MAX_MAPPINGS + SCONCE_A64_SUPERVISOR_RANGES)

void sconce_a64_vcpu_init(struct sconce_a64_vcpu *vcpu, const struct sconce_a64_access *access,
                          struct sconce_plugin_vm *vm, const struct sconce_plugin_mappings *memory,
                          enum sconce_vcpu_state *state, const struct sconce_a64_features *features)
{
    *vcpu = (struct sconce_a64_vcpu){
        .access = access, .vm = vm, .memory = memory, .features = *features};
    vcpu->state = state;
}

/* The guest's mappings and the supervisor's pages. */
static size_t list_ranges(const struct sconce_plugin_mappings *memory,
                          struct sconce_a64_range ranges[MAX_RANGES])
{
    size_t count = memory->count;

    for (size_t i = 0; i < count; i++) {
        const struct sconce_plugin_range *range = &memory->ranges[i];

        ranges[i] = (struct sconce_a64_range){range->gpa, range->bytes, range->prot, true, false};
    }
    sconce_a64_supervisor_ranges(memory->gpa_max, &ranges[count]);
    return count + SCONCE_A64_SUPERVISOR_RANGES;
}

static uint64_t whole_granules(uint64_t bytes)
{
    return (bytes + SCONCE_MEM_GRANULE - 1) / SCONCE_MEM_GRANULE * SCONCE_MEM_GRANULE;
}

uint64_t sconce_a64_own_bytes(const struct sconce_a64_vcpu *vcpu)
{
    struct sconce_a64_range ranges[MAX_RANGES];
    size_t count = list_ranges(vcpu->memory, ranges);

    return whole_granules(SCONCE_A64_SUPERVISOR_BYTES + sconce_a64_paging_bytes(ranges, count));
}

int32_t sconce_a64_own_build(struct sconce_a64_vcpu *vcpu, uint8_t *own, uint64_t bytes,
                             uint64_t *ret_used, struct sconce_plugin_error *err)
{
    struct sconce_a64_range ranges[MAX_RANGES];
    size_t count = list_ranges(vcpu->memory, ranges);
    uint64_t gpa = vcpu->memory->gpa_max, used;
    int r;

    vcpu->own = own;
    sconce_a64_supervisor_build(own);
    r = sconce_a64_paging_build(ranges, count, own + SCONCE_A64_SUPERVISOR_BYTES,
                                bytes - SCONCE_A64_SUPERVISOR_BYTES, gpa + SCONCE_A64_TABLES_OFFSET,
                                &used);
    if (r != SCONCE_A64_PAGING_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_PLUGIN, r, NULL,
                                  "cannot build the guest's page tables");
    sconce_a64_sysregs(&vcpu->features, gpa + SCONCE_A64_TABLES_OFFSET,
                       sconce_a64_vector_gpa(gpa, 0), vcpu->sysregs);
    *ret_used = whole_granules(SCONCE_A64_SUPERVISOR_BYTES + used);
    return SCONCE_PLUGIN_OK;
}
