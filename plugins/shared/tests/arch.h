/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs here know of an architecture: guests, and what registers are for. ARCH/guests.c
 * and ARCH/registers.c have it; a program is linked with those of its backend. What else one
 * architecture has, ARCH/NAME-cases.c adds to test-NAME.c.
 */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_ARCH_H
#define SCONCE_PLUGINS_SHARED_TESTS_ARCH_H

#include "plugins/shared/tests/fake-host.h"

#define DECLARE_GUEST(name) extern const uint8_t guest_##name[], guest_##name##_end[]
#define CODE(name) guest_##name, guest_##name##_end

/* ---- ARCH/guests.c: what each does; data[] are the words at DATA_GPA ---------------------------
 */

DECLARE_GUEST(bells); /* rings 1, 200 and 3 */
DECLARE_GUEST(ring);  /* for ever: adds 1 to data[0], rings 1 */
/* Counts in data[0] until data[1] is set; its own count to data[2]; rings 8. */
DECLARE_GUEST(count);
DECLARE_GUEST(add);            /* for ever: adds its argument to data[0], rings 1 */
DECLARE_GUEST(fault);          /* its argument to data[1]; an undefined instruction */
DECLARE_GUEST(bell_then_spin); /* rings 1; an endless loop */
extern const uint8_t guest_bell_then_spin_behind[];
DECLARE_GUEST(nop_undefined); /* one instruction; then an undefined one */
extern const uint8_t guest_nop_undefined_at[];

DECLARE_GUEST(write_data); /* sets data[0] to 0x1234 without a look at it; rings 1 */
DECLARE_GUEST(write_code); /* a word at CODE_GPA */
extern const uint8_t guest_write_code_at[];

/* At VIEW_GPA: the word there to data[0], a word there, a jump there. All ring 1. */
#define VIEW_GPA 0x460000ull
DECLARE_GUEST(read_view);
DECLARE_GUEST(write_view);
DECLARE_GUEST(run_view);

/* Adds 1 to as many words as its argument says, one each WALK_STEP bytes; rings 1; then to one half
 * a step behind the last. */
#define WALK_GPA 0x800000ull
#define WALK_STEP 0x20000ull
DECLARE_GUEST(walk);

/* Both arguments and SP to data[0] to data[2]; reads 0x100 bytes behind the thread pointer. */
DECLARE_GUEST(entry);
/* Fills what a callee keeps and the stack, rings 1; to data[0] to data[4] 0x51 to 0x55, rings 2. */
DECLARE_GUEST(saved);
/* System call 39 with arguments 1 to 6, an odd flag and 0x77 in a kept register. Then the result,
 * SP, the kept register and the flags to data[0] to data[3], what arch_expect_syscall() looks at
 * behind them; rings 4. */
DECLARE_GUEST(syscall);
/* System call 1 with SP 0x8000000000000000 and flags that bite; SP to data[0], rings 5. */
DECLARE_GUEST(odd_syscall);
/* System call 158; the word that the thread pointer points at to data[2]; rings 6. */
DECLARE_GUEST(own_tls);
/* The registers "result" and "kept" to data[0] and data[1], vector 9 to data[2] and data[3]; rings
 * 3. */
DECLARE_GUEST(store);
DECLARE_GUEST(trap);      /* 7 to "kept"; system call 9; an endless loop */
DECLARE_GUEST(trap_loop); /* system call 1 for ever */

/* One instruction that faults, to fill code with. */
DECLARE_GUEST(filler);

/* ---- ARCH/registers.c: registers of a stopped guest, by what they are for ----------------------
 */

struct shown_registers {
    uint64_t pc, sp;
    uint64_t argument; /* the first one of an entry */
    uint64_t result;   /* of a system call */
    uint64_t kept;     /* by a system call and by what a guest calls */
};

struct shown_registers show_registers(struct fake_guest *guest);
/** change_registers - PC, result and kept; the op's status. */
int32_t change_registers(struct fake_guest *guest, const struct shown_registers *to);
uint64_t show_tls(struct fake_guest *guest);
/** fill_vector - all bytes of vector register 9. */
void fill_vector(struct fake_guest *guest, uint8_t byte);
/** expect_unprivileged - where the guest stands. */
void expect_unprivileged(struct fake_guest *guest);

extern const uint64_t arch_standard_bytes; /* of the file of standard registers */

/** arch_expect_syscall - what guest_syscall kept besides its result. */
void arch_expect_syscall(const uint64_t *data);

/* ---- ARCH/NAME-cases.c, each for test-NAME.c alone ---------------------------------------------
 */

extern const struct CMUnitTest arch_tests[];
extern const size_t arch_test_count;

#endif
