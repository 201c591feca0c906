/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that are told one by one and come to the same on every architecture; and all of them
 * in turn. What each does is told where it is exported: tests/guests/. */
#include "plugins/shared/process/tests/attack-rows.h"

#include <sys/syscall.h>

/* ---- Those that end by themselves ----------------------------------------------------------- */

static const struct attack told[] = {
    /* What builds a child. */
    {"finish", {0}, FAULT(KIND(MEMORY))},
    {"finish", {1}, FAULT(KIND(MEMORY))},
    {"finish", {2}, FAULT(KIND(MEMORY))},
    {"finish", {3}, FAULT(KIND(MEMORY))},

    /* The control area. */
    {"scribble", {0x00, 50}, OK},
    {"scribble", {0xff, 50}, OK},
    {"scribble", {0x5a, 50}, OK},
    {"write_word", {SCONCE_CONTROL_FRAME, 0}, OK},
    {"write_word", {SCONCE_CONTROL_FRAME, CONTROL}, OK},
    {"write_word", {SCONCE_CONTROL_FRAME, SCONCE_STUB_AT}, OK},

    /* Alternate stacks: in the guest's memory, everywhere, none. */
    {"forged_altstack", {0, UINT64_MAX, 0, 0, THEN_DOORBELL}, OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_UNDEFINED}, SHUTDOWN},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_SYSCALL}, SHUTDOWN},
    {"forged_altstack", {0x30000, 0x10000, 0, 1, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {SCONCE_STUB_AT - 0xf000, 0x10000, 0, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {ALTSTACK - 2048, SCONCE_ALTSTACK_BYTES + 2048, 0, 0, THEN_DOORBELL}, OK},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_UNDEFINED}, SHUTDOWN},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_RETURN}, SHUTDOWN},
    {"forged_altstack",
     {ALTSTACK, SCONCE_ALTSTACK_BYTES, AUTODISARM, 0, THEN_DOORBELL},
     OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack", {ALTSTACK, SCONCE_ALTSTACK_BYTES, 0x7f, 0, THEN_DOORBELL}, OK},

    /* The guest's own calls, whatever their number. */
    {"own_syscall", {SYS_sched_yield}, OK},
    {"own_syscall", {SYS_rt_sigreturn}, OK},
    {"own_syscall", {SYS_exit_group}, EXIT},
    {"own_syscall", {UINT64_MAX}, OK},
    {"own_syscall", {1ull << 32 | SYS_sched_yield}, OK},
};

/* ---- Those that do not ---------------------------------------------------------------------- */

static const struct attack hanging[] = {
    {"report_forever", {0}, LIMIT},
    {"report_forever", {1}, LIMIT},
    {"report_doorbells", {0}, LIMIT},
    {"scribble_forever", {0xff}, LIMIT},
    {"scribble", {0x00, UINT32_MAX}, LIMIT},
    {"forged", {FIELD_MASK, UINT64_MAX, THEN_LOOP}, LIMIT},
    {"forged", {FIELD_MASK, MASK_MARK, THEN_LOOP}, LIMIT},
    {"forged", {FIELD_MASK, 0, THEN_LOOP}, LIMIT},
    {"forged_reports", {0, 0}, LIMIT},
    {"forged_reports", {0, 1}, LIMIT},
    {"forged_reports", {UINT64_MAX, 0}, LIMIT},
    {"forged_reports", {UINT64_MAX, 1}, LIMIT},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"with_sp", {CONTROL + 8192, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"with_sp", {0, 1, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
};

/* ---- All of them ---------------------------------------------------------------------------- */

static void each_of(const struct attack *attacks, size_t count, attack_fn *fn, void *ctx)
{
    for (size_t i = 0; i < count; i++)
        fn(ctx, &attacks[i]);
}

void attacks_each(bool hang, attack_fn *fn, void *ctx)
{
    const struct attack *of_machine;
    size_t count;

    if (hang) {
        each_of(hanging, COUNT(hanging), fn, ctx);
        each_of(attacks_hanging, attacks_hanging_count, fn, ctx);
        return;
    }
    each_of(told, COUNT(told), fn, ctx);
    each_of(attacks_told, attacks_told_count, fn, ctx);
    of_machine = attacks_of_machine(&count);
    each_of(of_machine, count, fn, ctx);
    attacks_each_made(fn, ctx);
}
