/* SPDX-License-Identifier: Apache-2.0 */
/* Guests for aarch64; guests.h of plugins/shared/process/tests says what each does. */
#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/aarch64/code.h"

#define INCREMENT "ldr x9, [x20]\n add x9, x9, #1\n str x9, [x20]\n"
#define STUB "movz x10, #0xff80, lsl #16\n movk x10, #0xf, lsl #32\n"
#define CONTROL "movz x11, #0xff81, lsl #16\n movk x11, #0xf, lsl #32\n"

GUEST(three_bells, BELL(1) BELL(2) BELL(3));
GUEST(bells_and_call,
      BELL(1) BELL(2) "mov x8, #39\n svc #0\n cmn x0, #38\n b.ne 1f\n" BELL(3) "1: udf #0");
GUEST(count_on, DATA "mov x28, #0\n1: add x28, x28, #1\n" INCREMENT "b 1b");
/* The frame of its last stop, with another mask (168 bytes in) and PC (568), returned into by the
 * stub itself, behind the report: SITE is told in the stub's head. */
GUEST(deaf, BELL(1) STUB CONTROL "ldr x12, [x11]\n mov x9, #-1\n str x9, [x12, #168]\n"
                                 "adr x9, 1f\n str x9, [x12, #568]\n"
                                 "ldr w9, [x10, #4]\n add x10, x10, x9\n mov x0, #0\n br x10\n"
                                 "1: " DATA "2: " INCREMENT "b 2b");
GUEST(run_data,
      BELL(1) DATA "movz w9, #0xd65f, lsl #16\n movk w9, #0x03c0\n str w9, [x20]\n br x20");
GUEST(read_far, "movz x20, #0x42, lsl #16\n movk x20, #0xfff8\n ldr x9, [x20]\n" BELL(1));

uint64_t show_fault_address(struct fake_guest *guest)
{
    struct sconce_a64_special special;

    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    return special.far_el1;
}
