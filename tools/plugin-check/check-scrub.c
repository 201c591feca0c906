/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub sweep: every register that a guest can write is filled with a pattern, the vCPU is
 * reset, and nothing of it is left. Once through sconce.regs/1, once as the next guest would see
 * it.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "tools/plugin-check/arch.h"
#include "tools/plugin-check/box.h"
#include "tools/plugin-check/scrub.h"

static void end_bench(struct check_bench *bench)
{
    check_ready_close(&bench->ready);
}

static enum check_outcome start_bench(struct check *check, struct check_bench *bench,
                                      const struct check_scrub **ret_scrub)
{
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_ready_open(check, &bench->ready));
    bench->regs = bench->ready.plugin.descriptor->get_extension(SCONCE_EXT_REGS);
    CHECK_STEP(check_vm_enter(check, &bench->ready.vm, CHECK_CODE_DOORBELL));
    *ret_scrub = arch->scrub;
    return check_vm_run_to(check, &bench->ready.vm, SCONCE_EXIT_DOORBELL, "the first run");
}

enum check_outcome check_bench_get(struct check *check, struct check_bench *bench, uint32_t file,
                                   void *to, size_t bytes)
{
    return check_done(
        check, &bench->ready.plugin,
        bench->regs->get(bench->ready.vm.vm, file, to, bytes, check_err(&bench->ready.plugin)),
        "regs.get");
}

enum check_outcome check_bench_set(struct check *check, struct check_bench *bench, uint32_t file,
                                   const void *from, size_t bytes)
{
    return check_done(
        check, &bench->ready.plugin,
        bench->regs->set(bench->ready.vm.vm, file, from, bytes, check_err(&bench->ready.plugin)),
        "regs.set");
}

bool check_has_pattern(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    size_t run = 0;

    for (size_t i = 0; i < bytes; i++) {
        run = at[i] == CHECK_PATTERN_BYTE ? run + 1 : 0;
        if (run == 4)
            return true;
    }
    return false;
}

bool check_has_word(const void *data, size_t bytes, uint64_t word)
{
    const uint8_t *at = data;

    for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word) {
        if (memcmp(at + i, &word, sizeof word) == 0)
            return true;
    }
    return false;
}

enum check_outcome check_bench_scrub(struct check *check, struct check_bench *bench)
{
    return check_vm_reset(check, &bench->ready.vm);
}

enum check_outcome check_bench_refuse(struct check *check, struct check_bench *bench, uint32_t file,
                                      const void *from, size_t bytes, const char *what)
{
    int32_t status =
        bench->regs->set(bench->ready.vm.vm, file, from, bytes, check_err(&bench->ready.plugin));

    return check_refused(check, &bench->ready.plugin, status, what);
}

enum check_outcome check_bench_debug(struct check *check, struct check_bench *bench, void *to,
                                     size_t bytes)
{
    int32_t status = bench->regs->get(bench->ready.vm.vm, SCONCE_REGS_DEBUG, to, bytes,
                                      check_err(&bench->ready.plugin));

    if (status == SCONCE_PLUGIN_E_NOT_SUPPORTED)
        return check_skip(check, "its guests have no debug registers: %s",
                          bench->ready.plugin.err.text);
    return check_done(check, &bench->ready.plugin, status, "regs.get of debug registers");
}

/* ---- through sconce.regs/1 ---- */

#define ROW(name, member)                                                                          \
    static enum check_outcome name(struct check *check)                                            \
    {                                                                                              \
        SCONCE_CLEANUP(end_bench) struct check_bench bench = {.ready = CHECK_READY_EMPTY};         \
        const struct check_scrub *scrub;                                                           \
                                                                                                   \
        CHECK_STEP(start_bench(check, &bench, &scrub));                                            \
        return scrub->member(check, &bench);                                                       \
    }                                                                                              \
    _Static_assert(1, "")

ROW(check_standard, standard);
ROW(check_special, special);
ROW(check_float, floats);
ROW(check_debug, debug);

static enum check_outcome check_refusals(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct check_bench bench = {.ready = CHECK_READY_EMPTY};
    const struct check_scrub *scrub;
    uint64_t word = 0;
    int32_t status;

    CHECK_STEP(start_bench(check, &bench, &scrub));
    CHECK_STEP(scrub->refusals(check, &bench));
    status =
        bench.regs->get(bench.ready.vm.vm, 99, &word, sizeof word, check_err(&bench.ready.plugin));
    CHECK_STEP(check_refused(check, &bench.ready.plugin, status, "register file 99"));
    return check_vm_run_to(check, &bench.ready.vm, SCONCE_EXIT_DOORBELL, "the run after all that");
}

/* ---- as the next guest sees it ---- */

/* A kernel may keep some from processes that the processor would give them. */
enum check_outcome check_fill_registers(struct check *check, struct check_box *box,
                                        uint32_t *ret_classes)
{
    uint32_t withheld;

    CHECK_STEP(check_call_done(check, box, "withheld", WITHOUT));
    withheld = check->setup->is_process ? box->result.as.u32 : 0;
    CHECK_STEP(check_call_done(check, box, "available", WITHOUT));
    *ret_classes = box->result.as.u32;
    CHECK_STEP(check_box_keep_start(check, box));
    if (withheld &&
        check_call(box, "fill_and_ready", WITH(check_u32(*ret_classes))) == SCONCE_E_GUEST_FAULT &&
        box->err.fault.kind == SCONCE_FAULT_ILLEGAL) {
        CHECK_STEP(check_box_recover(check, box));
        *ret_classes &= ~withheld;
    }
    sconce_snapshot_free(box->start);
    box->start = NULL;
    return check_call_done(check, box, "fill_and_ready", WITH(check_u32(*ret_classes)));
}

static enum check_outcome check_guest(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint32_t classes;

    CHECK_STEP(check_box_open(check, &box, "registers.elf", NULL));
    CHECK_STEP(check_fill_registers(check, &box, &classes));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (int i = 0; i < 3; i++) {
        CHECK(check, sconce_sandbox_restore(box.sandbox, box.start, &box.err) == 0,
              "cannot restore: %s", box.err.text);
        CHECK_STEP(check_call_done(check, &box, "leaks", WITHOUT));
        CHECK(check, check_is_text(&box.result, "at resume:"), "registers that survived: %s",
              (const char *)box.result.as.span.data);
        CHECK_STEP(check_call_done(check, &box, "fill_and_ready", WITH(check_u32(classes))));
    }
    /* Without a reset they are there: the check above could have failed. */
    CHECK_STEP(check_call_done(check, &box, "leaks", WITHOUT));
    CHECK(check, box.result.as.span.length > strlen("after ready:"),
          "no pattern can be seen even without a reset");
    return check_note(check, "register classes 0x%x", classes);
}

const struct check_row check_scrub_rows[] = {
    {"scrub.standard", "general registers do not survive a reset",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_standard},
    {"scrub.special", "thread pointers do not survive a reset",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_special},
    {"scrub.float", "floating-point and vector registers do not survive a reset",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_float},
    {"scrub.debug", "debug registers do not survive a reset", CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS,
     check_debug},
    {"regs.refusals", "what no guest could hold is refused, and nothing changes",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_refusals},
    {"scrub.guest", "the next guest finds nothing in any register", CHECK_NEEDS_SANDBOX,
     check_guest},
    {NULL, NULL, 0, NULL},
};
