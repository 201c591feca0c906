/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring-3 guest may hold in its registers. */
#ifndef SCONCE_ARCH_X86_64_REGS_H
#define SCONCE_ARCH_X86_64_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-plugin.h"
#include "sconce-regs-x86_64.h"

/* RFLAGS: SDM vol 1 3.4.3. */
#define SCONCE_X86_RFLAGS_FIXED (1ull << 1)
#define SCONCE_X86_RFLAGS_TF (1ull << 8)
#define SCONCE_X86_RFLAGS_IF (1ull << 9)
#define SCONCE_X86_RFLAGS_DF (1ull << 10)
#define SCONCE_X86_RFLAGS_NT (1ull << 14)
#define SCONCE_X86_RFLAGS_RF (1ull << 16)
#define SCONCE_X86_RFLAGS_AC (1ull << 18)
#define SCONCE_X86_RFLAGS_ID (1ull << 21)

/* What ring 3 can change: CF PF AF ZF SF OF, and TF DF NT AC ID. IF stays set, IOPL clear. */
#define SCONCE_X86_RFLAGS_USER                                                                     \
    (0x8d5ull | SCONCE_X86_RFLAGS_TF | SCONCE_X86_RFLAGS_DF | SCONCE_X86_RFLAGS_NT |               \
     SCONCE_X86_RFLAGS_AC | SCONCE_X86_RFLAGS_ID)
#define SCONCE_X86_RFLAGS_INIT (SCONCE_X86_RFLAGS_FIXED | SCONCE_X86_RFLAGS_IF)

/** sconce_x86_canonical - can a 48-bit machine hold the address (SDM vol 1 3.3.7.1)? */
bool sconce_x86_canonical(uint64_t address);

/** sconce_x86_user_address - canonical, and in the half that guests live in? */
bool sconce_x86_user_address(uint64_t address);

/** sconce_x86_user_rflags - @rflags with all that ring 3 cannot hold put right. */
uint64_t sconce_x86_user_rflags(uint64_t rflags);

/**
 * sconce_x86_entry_problem - what of an entry no unprivileged guest can hold: "PC", "SP", "thread
 * pointer", or NULL when all is well.
 * @ret_value: the value that it has.
 */
const char *sconce_x86_entry_problem(const struct sconce_entry *entry, uint64_t *ret_value);

/** sconce_x86_file_bytes - the size of a file of sconce.regs/1 (SCONCE_REGS_*); 0 for none. */
uint64_t sconce_x86_file_bytes(uint32_t file);

/* Could an unprivileged guest hold this? */
bool sconce_x86_standard_valid(const struct sconce_x86_standard *regs);

/* Members of a struct sconce_ext_fault: psABI 3.2.2 (stack), 3.2.3 (DF). TF, NT and AC are a
 * guest's own that would trap again, or fault. */
#define SCONCE_X86_FAULT_PLACES                                                                    \
    .regs_bytes = sizeof(struct sconce_x86_standard),                                              \
    .pc_at = offsetof(struct sconce_x86_standard, rip),                                            \
    .sp_at = offsetof(struct sconce_x86_standard, rsp),                                            \
    .argument_at = offsetof(struct sconce_x86_standard, rdi),                                      \
    .flags_at = offsetof(struct sconce_x86_standard, rflags), .stack_skew = 8,                     \
    .flags_clear = SCONCE_X86_RFLAGS_TF | SCONCE_X86_RFLAGS_DF | SCONCE_X86_RFLAGS_NT |            \
                   SCONCE_X86_RFLAGS_RF | SCONCE_X86_RFLAGS_AC

/** sconce_x86_debug_valid - breakpoints on guest addresses, no general detect, reserved bits as SDM
 * vol 3B 17.2 has them. */
bool sconce_x86_debug_valid(const struct sconce_x86_debug *regs);

#endif
