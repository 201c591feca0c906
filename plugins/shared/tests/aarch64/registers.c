/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of aarch64 by what they are for; see arch.h. */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/arch.h"

#include <string.h>

#define NZCV 0xf0000000u

const uint64_t arch_standard_bytes = sizeof(struct sconce_a64_standard);

static struct sconce_a64_standard standard_of(struct fake_guest *guest)
{
    struct sconce_a64_standard standard;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    return standard;
}

struct shown_registers show_registers(struct fake_guest *guest)
{
    struct sconce_a64_standard standard = standard_of(guest);

    return (struct shown_registers){.pc = standard.pc,
                                    .sp = standard.sp,
                                    .argument = standard.x[0],
                                    .result = standard.x[0],
                                    .kept = standard.x[28]};
}

int32_t change_registers(struct fake_guest *guest, const struct shown_registers *to)
{
    struct sconce_a64_standard standard = standard_of(guest);

    standard.pc = to->pc;
    standard.x[0] = to->result;
    standard.x[28] = to->kept;
    return regs->set(guest->vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error());
}

uint64_t show_tls(struct fake_guest *guest)
{
    struct sconce_a64_special special;

    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    return special.tpidr_el0;
}

void fill_vector(struct fake_guest *guest, uint8_t byte)
{
    struct sconce_a64_float floats;

    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    memset(floats.v[9], byte, sizeof floats.v[9]);
    guest_set(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
}

/* EL0t; Arm ARM C5.2.18, M[4:0] of SPSR_EL1. */
void expect_unprivileged(struct fake_guest *guest)
{
    assert_int_equal(standard_of(guest).pstate & 0x1f, 0);
}

/* NZCV, the arguments that are no result, the number, the link register: all as they were. */
void arch_expect_syscall(const uint64_t *data)
{
    assert_int_equal(data[3] & NZCV, 0x90000000);
    assert_int_equal(data[4], 2);
    assert_int_equal(data[5], 6);
    assert_int_equal(data[6], 39);
    assert_int_equal(data[7], 0);
}
