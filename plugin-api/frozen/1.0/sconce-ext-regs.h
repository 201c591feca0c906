/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "sconce.regs/1": read and write a stopped vCPU's registers, as whole files. What a file
 * holds is fixed per architecture by sconce-regs-ARCH.h, the same for every mechanism.
 */
#ifndef SCONCE_EXT_REGS_H
#define SCONCE_EXT_REGS_H

#include "sconce-plugin.h"

#define SCONCE_EXT_REGS "sconce.regs/1"

#define SCONCE_REGS_STANDARD 1u /* general registers, PC, flags */
#define SCONCE_REGS_SPECIAL 2u  /* control and system registers, bases, selectors */
#define SCONCE_REGS_FLOAT 3u    /* floating point and SIMD with their controls */
#define SCONCE_REGS_DEBUG 4u    /* hardware breakpoints and watchpoints */

/**
 * struct sconce_ext_regs - static; callbacks are [vm-serial], between exits.
 *
 * A file that the mechanism does not have is E_NOT_SUPPORTED; a register in a file that it cannot
 * show reads as zero.
 *
 * @get: copies one file into @buf; @bytes must be the file's size (E_INVALID otherwise). The first
 *   call after an exit may finish the exit's pending completion.
 * @set: replaces one file. Values that an unprivileged guest could not hold are E_INVALID.
 */
struct sconce_ext_regs {
    uint32_t size;
    uint32_t reserved0;
    int32_t (*get)(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err);
    int32_t (*set)(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err);
};

SCONCE_LAYOUT_AT(sconce_ext_regs, get, 8);
SCONCE_LAYOUT_AT(sconce_ext_regs, set, 16);

#endif
