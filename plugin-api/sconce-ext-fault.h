/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "sconce.fault/1": go on after a guest's fault. Without it a FAULT exit is terminal
 * until vcpu_reset; with it, it is so unless @resume is called. The core uses it for guests that
 * have registered a fault handler: it makes the vCPU enter the handler, and later gives it back the
 * registers that the handler has left, with sconce.regs/1, which a plugin that has this one has
 * too.
 */
#ifndef SCONCE_EXT_FAULT_H
#define SCONCE_EXT_FAULT_H

#include "sconce-plugin.h"

#define SCONCE_EXT_FAULT "sconce.fault/1"

/* The file SCONCE_REGS_STANDARD has at most this many bytes where this extension is offered. */
#define SCONCE_FAULT_REGS_MOST 2048u

/**
 * struct sconce_ext_fault - static; callbacks are [vm-serial].
 *
 * Where in the file SCONCE_REGS_STANDARD what is that a function is entered with by the
 * architecture's C calling convention: byte offsets of 64-bit registers, multiples of 8.
 *
 * @regs_bytes: of the whole file.
 * @argument_at: the first integer argument.
 * @flags_at: the flags, of which a function is entered with those of @flags_clear at zero: the ones
 *   that the convention wants so, and those that would fault or trap again.
 * @stack_skew: at its first instruction a function's SP is a multiple of 16 less this many bytes,
 *   as where a call has pushed the return address; a multiple of 8 below 16.
 * @resume: right after a FAULT exit: from now on the vCPU is between two exits. Registers may be
 * set (sconce.regs/1), and the next vcpu_run goes on with them; unless they are changed it restarts
 *   what has faulted. E_NOT_SUPPORTED, and the fault stays terminal, for one that this mechanism
 *   cannot go on from; E_INVALID when the last exit was none.
 */
struct sconce_ext_fault {
    uint32_t size;
    uint32_t reserved0;
    uint32_t regs_bytes;
    uint32_t pc_at;
    uint32_t sp_at;
    uint32_t argument_at;
    uint32_t flags_at;
    uint32_t stack_skew;
    uint64_t flags_clear;
    int32_t (*resume)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
};

SCONCE_LAYOUT_AT(sconce_ext_fault, regs_bytes, 8);
SCONCE_LAYOUT_AT(sconce_ext_fault, pc_at, 12);
SCONCE_LAYOUT_AT(sconce_ext_fault, sp_at, 16);
SCONCE_LAYOUT_AT(sconce_ext_fault, argument_at, 20);
SCONCE_LAYOUT_AT(sconce_ext_fault, flags_at, 24);
SCONCE_LAYOUT_AT(sconce_ext_fault, stack_skew, 28);
SCONCE_LAYOUT_AT(sconce_ext_fault, flags_clear, 32);
SCONCE_LAYOUT_AT(sconce_ext_fault, resume, 40);

#endif
