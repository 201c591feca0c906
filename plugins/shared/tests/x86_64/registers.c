/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of x86_64 by what they are for; see arch.h. */
#include "plugins/shared/tests/arch.h"
#include "plugins/shared/tests/x86_64/code.h"

#include <string.h>

#define FLAG_DF 0x400u

const uint64_t arch_standard_bytes = sizeof(struct sconce_x86_standard);

static struct sconce_x86_standard standard_of(struct fake_guest *guest)
{
    struct sconce_x86_standard standard;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    return standard;
}

struct shown_registers show_registers(struct fake_guest *guest)
{
    struct sconce_x86_standard standard = standard_of(guest);

    return (struct shown_registers){.pc = standard.rip,
                                    .sp = standard.rsp,
                                    .argument = standard.rdi,
                                    .result = standard.rax,
                                    .kept = standard.r15};
}

int32_t change_registers(struct fake_guest *guest, const struct shown_registers *to)
{
    struct sconce_x86_standard standard = standard_of(guest);

    standard.rip = to->pc;
    standard.rax = to->result;
    standard.r15 = to->kept;
    return regs->set(guest->vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error());
}

uint64_t show_tls(struct fake_guest *guest)
{
    struct sconce_x86_special special;

    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    return special.fs_base;
}

void fill_vector(struct fake_guest *guest, uint8_t byte)
{
    struct sconce_x86_float floats;

    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    memset(floats.fxsave + 160 + 9 * 16, byte, 16);
    guest_set(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
}

void expect_unprivileged(struct fake_guest *guest)
{
    struct sconce_x86_special special;

    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.cs & 3, 3);
    assert_int_equal(special.ss & 3, 3);
}

extern const uint8_t guest_syscall_behind[];

void arch_expect_syscall(const uint64_t *data)
{
    assert_int_equal(data[3] & FLAG_DF, FLAG_DF);
    /* RCX and R11 as SYSCALL leaves them: the next instruction's address, the flags. */
    assert_int_equal(data[4], CODE_GPA + (uint64_t)(guest_syscall_behind - guest_syscall));
    assert_int_equal(data[5] & FLAG_DF, FLAG_DF);
}
