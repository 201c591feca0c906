/* SPDX-License-Identifier: Apache-2.0 */
/* VMs and their memory: what must be refused, and what must be given back. */
#include <string.h>

#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/plugin.h"

#define READ SCONCE_PROT_READ
#define GRANULE ((uint64_t)SCONCE_MEM_GRANULE)

static enum check_outcome map(struct check *check, struct check_vm *vm,
                              const struct sconce_memory *memory,
                              const struct sconce_mapping *mapping)
{
    struct check_plugin *plugin = vm->plugin;

    return check_done(check, plugin,
                      plugin->ops->mem_map(vm->vm, memory, mapping, check_err(plugin)), "mem_map");
}

static enum check_outcome map_refused(struct check *check, struct check_vm *vm,
                                      const struct sconce_memory *memory,
                                      const struct sconce_mapping *mapping, const char *what)
{
    struct check_plugin *plugin = vm->plugin;

    return check_refused(check, plugin,
                         plugin->ops->mem_map(vm->vm, memory, mapping, check_err(plugin)), what);
}

static enum check_outcome check_create_destroy(struct check *check)
{
    struct check_holdings before = {0}, after;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    for (int i = 0; i < 12; i++) {
        SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;

        CHECK_STEP(check_vm_open(check, &plugin, &vm));
        if (i % 2 == 0) { /* also VMs that never ran, or were never entered */
            CHECK_STEP(check_vm_enter(check, &vm, CHECK_CODE_DOORBELL));
            CHECK_STEP(check_vm_run_to(check, &vm, SCONCE_EXIT_DOORBELL, "the first run"));
        }
        check_vm_close(&vm);
        if (i == 1)
            before = check_count(); /* what the first ones set up for the process may stay */
    }
    after = check_count();
    CHECK(check, after.fds == before.fds, "10 VMs left %d fds", (int)(after.fds - before.fds));
    CHECK(check, after.mappings == before.mappings, "10 VMs left %d mappings",
          (int)(after.mappings - before.mappings));
    return CHECK_OK;
}

static enum check_outcome check_config_sizes(struct check *check)
{
    struct {
        struct sconce_vm_config config;
        uint64_t later;
    } larger = {.config = check_vm_config()};
    struct sconce_vm_config shorter = check_vm_config();
    struct sconce_plugin_vm *vm = NULL;
    struct check_plugin plugin;
    int32_t status;

    CHECK_STEP(check_plugin_open(check, &plugin));
    larger.config.size = sizeof larger;
    status = plugin.ops->vm_create(&larger.config, &vm, check_err(&plugin));
    CHECK_STEP(check_done(check, &plugin, status, "vm_create by a newer core"));
    plugin.ops->vm_destroy(vm);
    shorter.size = 8;
    vm = NULL;
    status = plugin.ops->vm_create(&shorter, &vm, check_err(&plugin));
    CHECK_STEP(check_refused(check, &plugin, status, "a vm_config of 8 bytes"));
    CHECK(check, !vm, "a refused vm_create wrote its output");
    return CHECK_OK;
}

static enum check_outcome check_unaligned(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_FREE_GPA + 4096, READ);
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping at half a granule"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.bytes = 4096;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping of 4096 bytes"));
    mapping.bytes = 0;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "an empty mapping"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.object_offset = 4096;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping from offset 4096"));
    return CHECK_OK;
}

static enum check_outcome check_range(struct check *check)
{
    static const struct {
        uint64_t gpa;
        const char *what;
    } bad[] = {
        {0, "a mapping at 0"},
        {SCONCE_GPA_MIN - GRANULE, "a mapping below gpa_min"},
        {SCONCE_GPA_MAX, "a mapping in the reserved range"},
        {SCONCE_GPA_MAX + SCONCE_GPA_RESERVED, "a mapping above the reserved range"},
        {UINT64_MAX - GRANULE + 1, "a mapping that wraps around"},
    };
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mapping = check_vm_mapping(bad[i].gpa, READ);
        CHECK_STEP(map_refused(check, &vm, &memory, &mapping, bad[i].what));
    }
    mapping = check_vm_mapping(SCONCE_GPA_MAX - GRANULE, READ);
    mapping.bytes = 2 * GRANULE;
    memory.bytes = 2 * GRANULE;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping across gpa_max"));

    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(SCONCE_GPA_MIN, READ);
    CHECK_STEP(map(check, &vm, &memory, &mapping));
    mapping = check_vm_mapping(SCONCE_GPA_MAX - GRANULE, READ);
    return map(check, &vm, &memory, &mapping);
}

static enum check_outcome check_overlap(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    memory.bytes = 3 * GRANULE;
    mapping = check_vm_mapping(CHECK_FREE_GPA + GRANULE, READ);
    CHECK_STEP(map(check, &vm, &memory, &mapping));
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "the same mapping twice"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.bytes = 2 * GRANULE;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping over another's start"));
    mapping.bytes = 3 * GRANULE;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping around another"));
    mapping.gpa = CHECK_FREE_GPA + GRANULE;
    mapping.bytes = 2 * GRANULE;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping over another's end"));

    memory = check_vm_memory(&vm, 4, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    CHECK_STEP(map(check, &vm, &memory, &mapping)); /* side by side is fine */
    mapping = check_vm_mapping(CHECK_FREE_GPA + 2 * GRANULE, READ);
    return map(check, &vm, &memory, &mapping);
}

static enum check_outcome check_protection(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ | SCONCE_PROT_WRITE | SCONCE_PROT_EXEC);
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "memory to write and to execute"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, 0);
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "memory that cannot be used"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ | 1u << 20);
    return map_refused(check, &vm, &memory, &mapping, "an unknown protection");
}

static enum check_outcome check_object(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.bytes = 2 * GRANULE;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "more than the object has"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.object_offset = UINT64_MAX - GRANULE + 1;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "an offset that wraps around"));
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    memory.reserved0 = 1;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a memory whose reserved0 is not zero"));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    memory.size = 16;
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a sconce_memory of 16 bytes"));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    mapping.size = 16;
    return map_refused(check, &vm, &memory, &mapping, "a sconce_mapping of 16 bytes");
}

/* A refused mapping leaves nothing: the VM works as if it had not been tried. */
static enum check_outcome check_after_refusal(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_open(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 5, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_IMAGE_GPA, READ | SCONCE_PROT_WRITE);
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping over the image"));
    CHECK_STEP(check_vm_enter(check, &vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &vm, SCONCE_EXIT_DOORBELL, "the first run");
}

static enum check_outcome check_unmap(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;
    int32_t status;

    CHECK_STEP(check_plugin_open(check, &plugin));
    if (!plugin.ops->mem_unmap)
        return check_skip(check, "it has no mem_unmap");
    CHECK_STEP(check_vm_create(check, &plugin, &vm));
    memory = check_vm_memory(&vm, 0, SCONCE_MEM_STATE);
    memory.bytes = 2 * GRANULE;
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    mapping.bytes = 2 * GRANULE;
    CHECK_STEP(map(check, &vm, &memory, &mapping));
    status = plugin.ops->mem_unmap(vm.vm, CHECK_FREE_GPA, GRANULE, check_err(&plugin));
    CHECK_STEP(check_refused(check, &plugin, status, "mem_unmap of half a mapping"));
    status = plugin.ops->mem_unmap(vm.vm, CHECK_FREE_GPA, 2 * GRANULE, check_err(&plugin));
    CHECK_STEP(check_done(check, &plugin, status, "mem_unmap"));
    status = plugin.ops->mem_unmap(vm.vm, CHECK_FREE_GPA, 2 * GRANULE, check_err(&plugin));
    CHECK_STEP(check_refused(check, &plugin, status, "mem_unmap of nothing"));
    return map(check, &vm, &memory, &mapping);
}

static enum check_outcome check_late_map(struct check *check)
{
    SCONCE_CLEANUP(check_vm_close) struct check_vm vm = CHECK_VM_EMPTY;
    struct sconce_mapping mapping;
    struct sconce_memory memory;
    struct check_plugin plugin;

    if (check->setup->probe.caps & SCONCE_CAP_DYNAMIC_MAP)
        return check_skip(check, "it declares dynamic_map");
    CHECK_STEP(check_plugin_open(check, &plugin));
    CHECK_STEP(check_vm_open(check, &plugin, &vm));
    CHECK_STEP(check_vm_enter(check, &vm, CHECK_CODE_DOORBELL));
    memory = check_vm_memory(&vm, 5, SCONCE_MEM_STATE);
    mapping = check_vm_mapping(CHECK_FREE_GPA, READ);
    CHECK_STEP(map_refused(check, &vm, &memory, &mapping, "a mapping after vcpu_enter"));
    return check_vm_run_to(check, &vm, SCONCE_EXIT_DOORBELL, "the first run");
}

const struct check_row check_memory_rows[] = {
    {"vm.balance", "vm_create and vm_destroy give back all fds and mappings", CHECK_NEEDS_PROBE,
     check_create_destroy},
    {"vm.sizes", "a larger vm_config is taken, a truncated one refused", CHECK_NEEDS_PROBE,
     check_config_sizes},
    {"map.unaligned", "mappings are made of whole granules", CHECK_NEEDS_PROBE, check_unaligned},
    {"map.range", "mappings stay in the guest's range", CHECK_NEEDS_PROBE, check_range},
    {"map.overlap", "mappings do not overlap", CHECK_NEEDS_PROBE, check_overlap},
    {"map.protection", "no mapping is both written and executed", CHECK_NEEDS_PROBE,
     check_protection},
    {"map.object", "mappings stay in their object", CHECK_NEEDS_PROBE, check_object},
    {"map.refused", "a refused mapping changes nothing", CHECK_NEEDS_PROBE, check_after_refusal},
    {"map.late", "without dynamic_map nothing is mapped after vcpu_enter", CHECK_NEEDS_PROBE,
     check_late_map},
    {"unmap.exact", "mem_unmap takes exactly what was mapped", CHECK_NEEDS_PROBE, check_unmap},
    {NULL, NULL, 0, NULL},
};
