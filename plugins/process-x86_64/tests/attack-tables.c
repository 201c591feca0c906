/* SPDX-License-Identifier: Apache-2.0 */
/* What x86_64 has for the attacks that are made of tables. */
#include <signal.h>
#include <sys/syscall.h>

#include "plugins/process-x86_64/control.h"
#include "plugins/shared/process/tests/attack-rows.h"
#include "tests/guests/x86_64/hostile-machine.h"

#define AC 0x40000u
#define NT 0x4000u
#define DF 0x400u
#define TF 0x100u

#define NOT_CANONICAL 0x800000000000u
#define KERNEL 0xffff800000000000u
#define X32 0x40000000u

static const uint64_t other_numbers[] = {
    SYS_open,
    SYS_pause,
    SYS_fork,
    SYS_vfork,
    SYS_arch_prctl,
    SYS_modify_ldt,
    SYS_iopl,
    SYS_ioperm,
    334 /* rseq */,
    X32 | SYS_sched_yield,
    X32 | SYS_getpid,
    X32 | 512 /* rt_sigaction */,
    X32 | 513 /* rt_sigreturn */,
    X32 | 525 /* sigaltstack */,
};

static const struct attack_field fields[] = {
    {FIELD_NONE, 0},
    {FIELD_MASK, 0},
    {FIELD_MASK, 1ull << (SIGSYS - 1)},
    {FIELD_RIP, NOT_CANONICAL},
    {FIELD_RIP, KERNEL},
    {FIELD_RIP, 0},
    {FIELD_RIP, 0xffffffffff600000u},
    {FIELD_RIP, SCONCE_STUB_AT},
    {FIELD_RIP, UINT64_MAX},
    {FIELD_RSP, NOT_CANONICAL},
    {FIELD_RSP, KERNEL},
    {FIELD_RSP, 0},
    {FIELD_RSP, SCONCE_STUB_AT + 64},
    {FIELD_RSP, CONTROL + 4096},
    {FIELD_RSP, CONTROL_END},
    {FIELD_CS, 0},
    {FIELD_CS, 0x10},
    {FIELD_CS, 0x13},
    {FIELD_CS, 0x23},
    {FIELD_CS, 0x2b},
    {FIELD_CS, 0x07},
    {FIELD_CS, 0xffff},
    {FIELD_SS, 0},
    {FIELD_SS, 0x18},
    {FIELD_SS, 0x33},
    {FIELD_SS, 0x07},
    {FIELD_SS, 0xffff},
    {FIELD_RFLAGS, 0},
    {FIELD_RFLAGS, 0x3002}, /* IOPL 3 */
    {FIELD_RFLAGS, TF | 2},
    {FIELD_RFLAGS, AC | NT | DF | 2},
    {FIELD_RFLAGS, 0x1b0002}, /* RF, VM, VIF, VIP */
    {FIELD_RFLAGS, UINT64_MAX & ~(uint64_t)TF},
    {FIELD_UC_FLAGS, 0},
    {FIELD_UC_FLAGS, UINT64_MAX},
    {FIELD_LINK, UINT64_MAX},
    {FIELD_FS, 0x10},
    {FIELD_GS, 0xffff},
    {FIELD_RESERVED, UINT64_MAX},
    {FIELD_FPSTATE, 0},
    {FIELD_FPSTATE, 1},
    {FIELD_FPSTATE, KERNEL},
    {FIELD_FPSTATE, NOT_CANONICAL},
    {FIELD_FPSTATE, SCONCE_STUB_AT},
    {FIELD_FPSTATE, CONTROL_END - 64},
    {FIELD_FPSTATE, CONTROL},
    {FIELD_MAGIC1, 0},
    {FIELD_EXTENDED_BYTES, 0},
    {FIELD_EXTENDED_BYTES, UINT32_MAX},
    {FIELD_FEATURES, 0},
    {FIELD_FEATURES, UINT64_MAX},
    {FIELD_XSTATE_BYTES, 0},
    {FIELD_XSTATE_BYTES, 576},
    {FIELD_XSTATE_BYTES, UINT32_MAX & ~63u},
    {FIELD_MAGIC2, 0},
    {FIELD_MXCSR, UINT32_MAX},
    {FIELD_MXCSR, 0},
    {FIELD_XSTATE_BV, 0},
    {FIELD_XSTATE_BV, UINT64_MAX},
    {FIELD_XSTATE_BV, 1ull << 63},
    {FIELD_XCOMP_BV, 1ull << 63},
    {FIELD_XCOMP_BV, UINT64_MAX},
    {FIELD_XSAVE_RESERVED, UINT64_MAX},
    {FIELD_COMPONENTS, 0xff},
    {FIELD_COMPONENTS, 0x01},
};

static const struct attack_stack stacks[] = {
    {UINT64_MAX - 7, true},
    {NOT_CANONICAL, false},
    {KERNEL, false},
    {0xffffffffff600800u, false},
};

const struct attack_tables attack_tables = {
    .other_numbers = other_numbers,
    .other_number_count = COUNT(other_numbers),
    .fields = fields,
    .field_count = COUNT(fields),
    .stacks = stacks,
    .stack_count = COUNT(stacks),
    .made_up_kinds = KIND(PRIVILEGE),
};
