/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a guest that never runs, and what an exit must be. */
#include "plugins/shared/tests/exits.h"

#include <string.h>

uint8_t arena[2 * SCONCE_MEM_GRANULE] __attribute__((aligned(65536)));
struct sconce_exit result;
static const enum sconce_vcpu_state *state_now;

static void map(struct sconce_plugin_mappings *memory, uint64_t gpa, uint32_t prot)
{
    const struct sconce_memory object = {
        .size = sizeof object, .bytes = sizeof arena, .host_addr = arena};
    const struct sconce_mapping mapping = {.size = sizeof mapping,
                                           .prot = prot,
                                           .gpa = gpa,
                                           .bytes = SCONCE_MEM_GRANULE,
                                           .object_offset = gpa - CODE_GPA};

    assert_int_equal(sconce_plugin_mappings_add(memory, &object, &mapping, NULL), SCONCE_PLUGIN_OK);
}

void lay_out(struct sconce_plugin_mappings *memory, enum sconce_vcpu_state *state)
{
    memory->gpa_min = SCONCE_GPA_MIN;
    memory->gpa_max = SCONCE_GPA_MAX;
    map(memory, CODE_GPA, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    map(memory, DATA_GPA, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    *state = SCONCE_VCPU_RUNNABLE;
    state_now = state;
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
}

static void is_fault(uint32_t kind, uint64_t pc, enum sconce_vcpu_state state)
{
    assert_int_equal(result.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(result.u.fault.kind, kind);
    assert_int_equal(result.u.fault.pc, pc);
    assert_int_equal(*state_now, state);
}

void expect_fault(uint32_t kind, uint64_t pc)
{
    is_fault(kind, pc, SCONCE_VCPU_FAULTED);
}

void expect_final_fault(uint32_t kind, uint64_t pc)
{
    is_fault(kind, pc, SCONCE_VCPU_STOPPED);
}

void expect_failure(const char *text)
{
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(result.u.fail.text, text);
    assert_int_equal(*state_now, SCONCE_VCPU_DEAD);
}

void expect_shutdown(void)
{
    assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
    assert_int_equal(*state_now, SCONCE_VCPU_STOPPED);
}
