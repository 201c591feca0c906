/* SPDX-License-Identifier: Apache-2.0 */
/* What aarch64 has for the attacks that are made of tables. */
#include <signal.h>
#include <sys/syscall.h>

#include "plugins/process-aarch64/control.h"
#include "plugins/process-aarch64/frame.h"
#include "plugins/shared/process/tests/attack-rows.h"
#include "tests/guests/aarch64/hostile-machine.h"

#define BEYOND 0x1000000000000u /* 48 bits */
#define KERNEL 0xffff800008000000u

static const uint64_t other_numbers[] = {
    SYS_ppoll,
    SYS_restart_syscall,
    293 /* rseq */,
    0x0f0005 /* AArch32's set_tls */,
};

static const struct attack_field fields[] = {
    {FIELD_NONE, 0},
    {FIELD_MASK, 0},
    {FIELD_MASK, 1ull << (SIGSYS - 1)},
    {FIELD_PC, BEYOND},
    {FIELD_PC, KERNEL},
    {FIELD_PC, 0},
    {FIELD_PC, 2},
    {FIELD_PC, SCONCE_STUB_AT},
    {FIELD_PC, SCONCE_STUB_AT + 1},
    {FIELD_PC, UINT64_MAX},
    {FIELD_SP, BEYOND},
    {FIELD_SP, KERNEL},
    {FIELD_SP, 0},
    {FIELD_SP, 8},
    {FIELD_SP, SCONCE_STUB_AT + 64},
    {FIELD_SP, CONTROL + 4096},
    {FIELD_SP, CONTROL_END},
    {FIELD_PSTATE, 0x10},  /* AArch32 */
    {FIELD_PSTATE, 0x1d3}, /* and its supervisor */
    {FIELD_PSTATE, 0x3c0}, /* DAIF */
    {FIELD_PSTATE, 4},
    {FIELD_PSTATE, 5}, /* EL1h */
    {FIELD_PSTATE, 9}, /* EL2h */
    {FIELD_PSTATE, 13},
    {FIELD_PSTATE, 1ull << 20}, /* IL */
    {FIELD_PSTATE, 1ull << 21}, /* SS */
    {FIELD_PSTATE, 3ull << 10}, /* BTYPE */
    {FIELD_PSTATE, 1ull << 12}, /* SSBS */
    {FIELD_PSTATE, 3ull << 22}, /* PAN, UAO */
    {FIELD_PSTATE, 3ull << 24}, /* DIT, TCO */
    {FIELD_PSTATE, 15ull << 28},
    {FIELD_PSTATE, UINT64_MAX},
    {FIELD_UC_FLAGS, UINT64_MAX},
    {FIELD_LINK, UINT64_MAX},
    {FIELD_FAULT_ADDRESS, UINT64_MAX},
    {FIELD_FRAME_AT, 1},
    {FIELD_FRAME_AT, 8},
    {FIELD_FRAME_AT, 16},
    {FIELD_SIMD_MAGIC, 0},
    {FIELD_SIMD_MAGIC, HOSTILE_SVE_MAGIC},
    {FIELD_SIMD_MAGIC, UINT32_MAX},
    {FIELD_SIMD_BYTES, 0},
    {FIELD_SIMD_BYTES, 8},
    {FIELD_SIMD_BYTES, 16},
    {FIELD_SIMD_BYTES, 527},
    {FIELD_SIMD_BYTES, 544},
    {FIELD_SIMD_BYTES, 4096},
    {FIELD_SIMD_BYTES, UINT32_MAX & ~15u},
    {FIELD_FPSR, UINT32_MAX},
    {FIELD_FPCR, UINT32_MAX},
    {FIELD_FPCR, 0x07c09f00}, /* every trap and mode */
    {FIELD_VECTORS, 0xff},
    {FIELD_NEXT_MAGIC, PROCESS_A64_ESR_MAGIC},
    {FIELD_NEXT_MAGIC, PROCESS_A64_FPSIMD_MAGIC},
    {FIELD_NEXT_MAGIC, HOSTILE_SVE_MAGIC},
    {FIELD_NEXT_MAGIC, HOSTILE_EXTRA_MAGIC},
    {FIELD_NEXT_MAGIC, HOSTILE_ZA_MAGIC},
    {FIELD_NEXT_MAGIC, HOSTILE_TPIDR2_MAGIC},
    {FIELD_NEXT_MAGIC, UINT32_MAX},
    {FIELD_NEXT_BYTES, 0},
    {FIELD_NEXT_BYTES, 8},
    {FIELD_NEXT_BYTES, 2208},
    {FIELD_NEXT_BYTES, 4096},
    {FIELD_NEXT_BYTES, UINT32_MAX & ~15u},
    {FIELD_NEXT_VECTOR, 16},
    {FIELD_NEXT_VECTOR, 17},
    {FIELD_NEXT_VECTOR, 256},
    {FIELD_NEXT_VECTOR, 65535},
    {FIELD_NEXT_EXTRA, 0},
    {FIELD_NEXT_EXTRA, KERNEL},
    {FIELD_NEXT_EXTRA, SCONCE_STUB_AT},
    {FIELD_NEXT_EXTRA, CONTROL},
    {FIELD_NEXT_EXTRA, CONTROL_END - 16},
    {FIELD_NEXT_EXTRA, UINT64_MAX},
    {FIELD_RECORDS, 0},
    {FIELD_RECORDS, 0xff},
};

static const struct attack_stack stacks[] = {
    {CONTROL_END - 16, false}, {16, true},      {UINT64_MAX - 15, true},
    {BEYOND, false},           {KERNEL, false}, {UINT64_MAX - 15, false},
};

/* A doorbell's frame has the syndrome of the last fault before it: the one that a process is begun
 * with. */
const struct attack_tables attack_tables = {
    .other_numbers = other_numbers,
    .other_number_count = COUNT(other_numbers),
    .fields = fields,
    .field_count = COUNT(fields),
    .stacks = stacks,
    .stack_count = COUNT(stacks),
    .made_up_kinds = KIND(MEMORY),
};
