/* SPDX-License-Identifier: Apache-2.0 */
/* Guests for aarch64; arch.h says what each does. */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/arch.h"

#define INCREMENT "ldr x9, [x20]\n add x9, x9, #1\n str x9, [x20]\n"

GUEST(bells, BELL(1) BELL(200) BELL(3));
GUEST(ring, DATA "1: " INCREMENT BELL(1) "b 1b");
GUEST(count, DATA "mov x19, #0\n1: " INCREMENT "add x19, x19, #1\n ldr x9, [x20, #8]\n cbz x9, 1b\n"
                  "str x19, [x20, #16]\n" BELL(8));
GUEST(add, DATA "mov x19, x0\n1: ldr x9, [x20]\n add x9, x9, x19\n str x9, [x20]\n" BELL(1) "b 1b");
GUEST(fault, DATA "str x0, [x20, #8]\n udf #0");
GUEST(bell_then_spin, BELL(1) LABEL(bell_then_spin_behind) "1: b 1b");
GUEST(nop_undefined, "nop\n" LABEL(nop_undefined_at) "udf #0");
GUEST(write_data, DATA "mov x9, #0x1234\n str x9, [x20]\n" BELL(1));
GUEST(write_code, "movz x20, #0x40, lsl #16\n" LABEL(write_code_at) "str w9, [x20]");

GUEST(read_view, DATA "movz x10, #0x46, lsl #16\n ldr x9, [x10]\n str x9, [x20]\n" BELL(1));
GUEST(write_view, "movz x10, #0x46, lsl #16\n mov x9, #0x99\n str x9, [x10]\n" BELL(1));
GUEST(run_view, "movz x10, #0x46, lsl #16\n br x10");
GUEST(walk, "movz x20, #0x80, lsl #16\n mov x19, x0\n1: " INCREMENT
            "add x20, x20, #0x20, lsl #12\n subs x19, x19, #1\n b.ne 1b\n" BELL(
                1) "sub x20, x20, #0x10, lsl #12\n" INCREMENT);

GUEST(entry, DATA "stp x0, x1, [x20]\n mov x9, sp\n str x9, [x20, #16]\n"
                  "mrs x9, tpidr_el0\n ldr x9, [x9, #0x100]\n");
GUEST(saved, "mov x19, #0x51\n mov x29, #0x52\n mov x9, #0x53\n fmov d8, x9\n mov x28, #0x54\n"
             "mov x9, #0x55\n str x9, [sp, #-16]!\n" BELL(1) DATA
      "ldr x9, [sp], #16\n fmov x10, d8\n str x19, [x20]\n str x29, [x20, #8]\n"
      "str x10, [x20, #16]\n str x28, [x20, #24]\n str x9, [x20, #32]\n" BELL(2));
GUEST(syscall,
      "mov x8, #39\n mov x0, #1\n mov x1, #2\n mov x2, #3\n mov x3, #4\n mov x4, #5\n"
      "mov x5, #6\n mov x19, #0x77\n movz x9, #0x9000, lsl #16\n msr nzcv, x9\n svc #0\n"
      "mrs x10, nzcv\n" DATA "mov x11, sp\n stp x0, x11, [x20]\n stp x19, x10, [x20, #16]\n"
      "stp x1, x5, [x20, #32]\n stp x8, x30, [x20, #48]\n" BELL(4));
GUEST(odd_syscall,
      SET(x9, 0x8000, 0, 0, 0) "mov sp, x9\n movz x9, #0xf000, lsl #16\n msr nzcv, x9\n"
                               "mov x8, #1\n svc #0\n mov x9, sp\n" DATA "str x9, [x20]\n" BELL(5));
GUEST(own_tls, "mov x8, #158\n svc #0\n mrs x9, tpidr_el0\n ldr x9, [x9]\n" DATA
               "str x9, [x20, #16]\n" BELL(6));
GUEST(store, DATA "stp x0, x28, [x20]\n str q9, [x20, #16]\n" BELL(3));
GUEST(trap, "mov x28, #7\n mov x8, #9\n svc #0\n1: b 1b");
GUEST(trap_loop, "1: mov x8, #1\n svc #0\n b 1b");
GUEST(filler, "udf #0");
