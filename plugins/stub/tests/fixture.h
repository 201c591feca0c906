/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stub's tests share: a core of thirty lines that maps a boot page, IN, OUT and an image,
 * and plays a script that stands in the test.
 */
#ifndef SCONCE_STUB_TESTS_FIXTURE_H
#define SCONCE_STUB_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sconce-guest-abi.h"
#include "sconce-plugin.h"

#define IMAGE_GPA 0x400000ull
#define BOOT_GPA 0x500000ull
#define IN_GPA 0x510000ull
#define OUT_GPA 0x520000ull
#define MEMORY_BYTES (4ull * SCONCE_MEM_GRANULE)

struct core {
    const struct sconce_plugin *plugin;
    const struct sconce_plugin_ops *ops;
    struct sconce_plugin_vm *vm;
    uint8_t *memory; /* image, boot, IN, OUT: a granule each */
    struct sconce_plugin_error err;
    struct sconce_exit exit;
    char path[64];
};

static inline uint8_t *core_in(struct core *core)
{
    return core->memory + 2 * SCONCE_MEM_GRANULE;
}

static inline uint8_t *core_out(struct core *core)
{
    return core->memory + 3 * SCONCE_MEM_GRANULE;
}

static inline struct sconce_plugin_error *core_err(struct core *core)
{
    memset(&core->err, 0, sizeof core->err);
    core->err.size = sizeof core->err;
    return &core->err;
}

static inline struct sconce_memory core_memory(struct core *core, uint32_t role, uint64_t at)
{
    return (struct sconce_memory){.size = sizeof(struct sconce_memory),
                                  .role = role,
                                  .bytes = SCONCE_MEM_GRANULE,
                                  .host_addr = core->memory + at};
}

static inline struct sconce_mapping core_mapping(uint64_t gpa, uint32_t prot)
{
    return (struct sconce_mapping){.size = sizeof(struct sconce_mapping),
                                   .prot = prot,
                                   .gpa = gpa,
                                   .bytes = SCONCE_MEM_GRANULE};
}

static inline void core_map(struct core *core, uint32_t role, uint64_t at, uint64_t gpa,
                            uint32_t prot)
{
    struct sconce_memory memory = core_memory(core, role, at);
    struct sconce_mapping mapping = core_mapping(gpa, prot);

    assert_int_equal(core->ops->mem_map(core->vm, &memory, &mapping, core_err(core)), 0);
}

static inline struct sconce_vm_config core_config(void)
{
    return (struct sconce_vm_config){.size = sizeof(struct sconce_vm_config),
                                     .gpa_min = SCONCE_GPA_MIN,
                                     .gpa_max = SCONCE_GPA_MAX,
                                     .reserved_bytes = SCONCE_GPA_RESERVED};
}

static inline struct sconce_entry core_entry(void)
{
    return (struct sconce_entry){.size = sizeof(struct sconce_entry),
                                 .pc = IMAGE_GPA,
                                 .sp = OUT_GPA,
                                 .tls = 0x1000,
                                 .args = {BOOT_GPA, 0}};
}

static inline int core_setup(void **state)
{
    struct core *core = calloc(1, sizeof *core);

    assert_non_null(core);
    core->plugin = sconce_plugin_entry_v1(NULL, NULL);
    core->ops = core->plugin->ops;
    core->memory = aligned_alloc(SCONCE_MEM_GRANULE, MEMORY_BYTES);
    assert_non_null(core->memory);
    memset(core->memory, 0, MEMORY_BYTES);
    *state = core;
    return 0;
}

static inline int core_teardown(void **state)
{
    struct core *core = *state;

    core->ops->vm_destroy(core->vm);
    assert_int_equal(core->ops->configure("script", "", core_err(core)), 0);
    if (core->path[0])
        unlink(core->path);
    free(core->memory);
    free(core);
    return 0;
}

static inline int32_t core_configure(struct core *core, const char *script)
{
    int fd;

    strcpy(core->path, "/tmp/sconce-stub-test-XXXXXX");
    fd = mkstemp(core->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), strlen(script));
    close(fd);
    return core->ops->configure("script", core->path, core_err(core));
}

/* A VM that can be entered: everything mapped, the boot page filled in. */
static inline void core_create(struct core *core)
{
    struct sconce_vm_config config = core_config();
    struct sconce_boot boot = {.magic = SCONCE_BOOT_MAGIC,
                               .abi = SCONCE_GUEST_ABI_CURRENT,
                               .boot_bytes = sizeof boot,
                               .in_addr = IN_GPA,
                               .in_bytes = SCONCE_MEM_GRANULE,
                               .out_addr = OUT_GPA,
                               .out_bytes = SCONCE_MEM_GRANULE};

    assert_int_equal(core->ops->vm_create(&config, &core->vm, core_err(core)), 0);
    core_map(core, SCONCE_MEM_IMAGE, 0, IMAGE_GPA, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    core_map(core, SCONCE_MEM_BOOT, SCONCE_MEM_GRANULE, BOOT_GPA, SCONCE_PROT_READ);
    core_map(core, SCONCE_MEM_IO, 2 * SCONCE_MEM_GRANULE, IN_GPA, SCONCE_PROT_READ);
    core_map(core, SCONCE_MEM_IO, 3 * SCONCE_MEM_GRANULE, OUT_GPA,
             SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    memcpy(core->memory + SCONCE_MEM_GRANULE, &boot, sizeof boot);
}

static inline void core_enter(struct core *core)
{
    struct sconce_entry entry = core_entry();

    assert_int_equal(core->ops->vcpu_enter(core->vm, &entry, core_err(core)), 0);
}

/* A VM that plays @script from its first vcpu_run on. */
static inline void core_play(struct core *core, const char *script)
{
    assert_int_equal(core_configure(core, script), 0);
    core_create(core);
    core_enter(core);
}

static inline int32_t core_run(struct core *core)
{
    memset(&core->exit, 0xa5, sizeof core->exit);
    core->exit.size = sizeof core->exit;
    return core->ops->vcpu_run(core->vm, &core->exit, core_err(core));
}

static inline struct sconce_frame core_out_frame(struct core *core)
{
    struct sconce_frame frame;

    memcpy(&frame, core_out(core), sizeof frame);
    return frame;
}

/* Put a frame with one value of 64 bits, or none, into IN. */
static inline void core_put(struct core *core, uint64_t at, uint32_t kind, uint32_t index,
                            uint32_t type, uint64_t bits)
{
    struct sconce_slot slot = {.type = type, .value = bits};
    struct sconce_frame frame = {
        .kind = kind, .index = index, .slot_count = type ? 1 : 0, .used_bytes = 80};

    memcpy(core_in(core) + at, &frame, sizeof frame);
    memcpy(core_in(core) + at + sizeof frame, &slot, sizeof slot);
}

#endif
