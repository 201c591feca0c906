/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin without a core: loaded through a host of a few lines, and a VM with the smallest memory
 * that a guest can start in. Everything here belongs to one row's process.
 */
#ifndef SCONCE_PLUGIN_CHECK_PLUGIN_H
#define SCONCE_PLUGIN_CHECK_PLUGIN_H

#include "sconce-ext-regs.h"
#include "tools/plugin-check/check.h"

struct check_plugin {
    const struct sconce_plugin *descriptor;
    const struct sconce_plugin_ops *ops;
    struct sconce_plugin_error err; /* of the last op, through check_err */
};

/** check_plugin_load - dlopen and entry; no more. */
enum check_outcome check_plugin_load(struct check *check, struct check_plugin *plugin);

/** check_plugin_open - the same, then configure with what the configuration says, and probe. */
enum check_outcome check_plugin_open(struct check *check, struct check_plugin *plugin);

/** check_plugin_configure - the settings of [backend.NAME], NAME as the plugin has it. */
enum check_outcome check_plugin_configure(struct check *check, struct check_plugin *plugin);

/** check_err - plugin->err, cleared for the next op. */
struct sconce_plugin_error *check_err(struct check_plugin *plugin);

/** check_refused - @status is a failure of the contract's, and says why. @what: "mem_map of ...".
 */
enum check_outcome check_refused(struct check *check, struct check_plugin *plugin, int32_t status,
                                 const char *what);

/** check_done - @status is success. */
enum check_outcome check_done(struct check *check, struct check_plugin *plugin, int32_t status,
                              const char *what);

/* ---- a VM ---- */

#define CHECK_IMAGE_GPA 0x400000ull
#define CHECK_BOOT_GPA 0x500000ull
#define CHECK_IN_GPA 0x510000ull
#define CHECK_OUT_GPA 0x520000ull
#define CHECK_STACK_GPA 0x600000ull
#define CHECK_FREE_GPA 0x800000ull /* nothing is mapped from here on */

#define CHECK_VM_OBJECTS 6u /* image, boot, IN, OUT, stack, and one to spare */

struct check_vm {
    struct check_plugin *plugin;
    const struct sconce_plugin_ops
        *ops;                    /* of the plugin: @plugin may go out of scope before this */
    struct sconce_plugin_vm *vm; /* NULL once it is destroyed */
    struct sconce_exit exit;     /* of the last run */
    uint8_t *host;               /* CHECK_VM_OBJECTS granules */
    int fd;
};

#define CHECK_VM_EMPTY                                                                             \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/** check_vm_config - what the core asks for. */
struct sconce_vm_config check_vm_config(void);

/** check_vm_memory - the @object-th granule of the VM's memory. */
struct sconce_memory check_vm_memory(const struct check_vm *vm, uint32_t object, uint32_t role);

/** check_vm_mapping - one granule at @gpa. */
struct sconce_mapping check_vm_mapping(uint64_t gpa, uint32_t prot);

/** check_vm_create - memory and a VM without mappings. */
enum check_outcome check_vm_create(struct check *check, struct check_plugin *plugin,
                                   struct check_vm *vm);

/** check_vm_open - the same with everything mapped and the boot page filled in: ready to enter. */
enum check_outcome check_vm_open(struct check *check, struct check_plugin *plugin,
                                 struct check_vm *vm);

/** check_vm_close - takes an empty one too; a clean-up function. */
void check_vm_close(struct check_vm *vm);

/* Snippets of code in the image, by architecture. */
enum check_code {
    CHECK_CODE_DOORBELL, /* rings READY for ever */
    CHECK_CODE_SPIN,     /* an endless loop */
    CHECK_CODE_ILLEGAL,  /* an undefined instruction */
    CHECK_CODE_SYSCALL, /* number 39; READY when the result is -38, else an undefined instruction */
    CHECK_CODES
};

/** check_needs_code - skips the row unless there are snippets for this backend's architecture. */
enum check_outcome check_needs_code(struct check *check);

/** check_vm_entry - the start of a snippet. */
struct sconce_entry check_vm_entry(enum check_code code);

/** check_vm_enter, check_vm_run, check_vm_reset - must succeed. */
enum check_outcome check_vm_enter(struct check *check, struct check_vm *vm, enum check_code code);
enum check_outcome check_vm_run(struct check *check, struct check_vm *vm);
enum check_outcome check_vm_reset(struct check *check, struct check_vm *vm);

/** check_vm_run_to - the same, and the exit is of @kind. */
enum check_outcome check_vm_run_to(struct check *check, struct check_vm *vm, uint32_t kind,
                                   const char *when);

/* A plugin and a VM that is ready to be entered. */
struct check_ready {
    struct check_plugin plugin;
    struct check_vm vm;
};

#define CHECK_READY_EMPTY                                                                          \
    {                                                                                              \
        .vm = CHECK_VM_EMPTY                                                                       \
    }

/** check_ready_open - both; must succeed. */
enum check_outcome check_ready_open(struct check *check, struct check_ready *ready);

/** check_ready_close - a clean-up function; takes an empty one. */
void check_ready_close(struct check_ready *ready);

/** check_run_op - vcpu_run as it is, into vm->exit. */
int32_t check_run_op(struct check_vm *vm);

#endif
