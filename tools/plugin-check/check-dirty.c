/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.dirty/1, the plugin's part: when it may be asked, and that it tells of memory that is
 * mapped. That nothing is missing is for every row that restores: all memory is compared there.
 */
#include "common/cleanup.h"
#include "sconce-ext-dirty.h"
#include "tools/plugin-check/plugin.h"

/* What was told. */
struct told {
    uint64_t ranges;
    uint64_t outside; /* ranges that are empty or not of mapped memory */
    uint64_t gpa, bytes;
};

/* Somewhere from the boot page to the stack's end; what the guest can write is there. */
static bool is_memory(uint64_t gpa, uint64_t bytes)
{
    return gpa >= CHECK_BOOT_GPA && gpa < CHECK_FREE_GPA && bytes && bytes <= CHECK_FREE_GPA - gpa;
}

static void hear(void *ctx, uint64_t gpa, uint64_t bytes)
{
    struct told *told = ctx;

    told->ranges++;
    if (!is_memory(gpa, bytes))
        *told = (struct told){told->ranges, told->outside + 1, gpa, bytes};
}

static enum check_outcome collect(struct check *check, struct check_ready *ready,
                                  const struct sconce_ext_dirty *dirty, struct told *ret_told)
{
    *ret_told = (struct told){0};
    CHECK_STEP(check_done(check, &ready->plugin,
                          dirty->collect(ready->vm.vm, hear, ret_told, check_err(&ready->plugin)),
                          "collect"));
    CHECK(check, !ret_told->outside, "it told of 0x%llx bytes at 0x%llx, which are not mapped",
          (unsigned long long)ret_told->bytes, (unsigned long long)ret_told->gpa);
    return CHECK_OK;
}

static enum check_outcome begin(struct check *check, struct check_ready *ready,
                                const struct sconce_ext_dirty *dirty)
{
    return check_done(check, &ready->plugin, dirty->begin(ready->vm.vm, check_err(&ready->plugin)),
                      "begin");
}

static enum check_outcome check_contract(struct check *check)
{
    SCONCE_CLEANUP(check_ready_close) struct check_ready ready = CHECK_READY_EMPTY;
    const struct sconce_ext_dirty *dirty;
    struct told told;

    CHECK_STEP(check_needs_code(check));
    CHECK_STEP(check_ready_open(check, &ready));
    dirty = ready.plugin.descriptor->get_extension(SCONCE_EXT_DIRTY);
    CHECK_STEP(check_refused(check, &ready.plugin,
                             dirty->begin(ready.vm.vm, check_err(&ready.plugin)),
                             "begin before the first vcpu_enter"));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    CHECK_STEP(check_refused(check, &ready.plugin,
                             dirty->collect(ready.vm.vm, hear, &told, check_err(&ready.plugin)),
                             "collect before begin"));
    CHECK_STEP(begin(check, &ready, dirty));
    CHECK_STEP(collect(check, &ready, dirty, &told));
    CHECK_STEP(check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after begin"));
    CHECK_STEP(collect(check, &ready, dirty, &told));
    CHECK_STEP(collect(check, &ready, dirty, &told));
    CHECK_STEP(begin(check, &ready, dirty));
    CHECK_STEP(check_vm_reset(check, &ready.vm));
    CHECK_STEP(collect(check, &ready, dirty, &told));
    CHECK_STEP(check_vm_enter(check, &ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &ready.vm, SCONCE_EXIT_DOORBELL, "the run after all that");
}

const struct check_row check_dirty_rows[] = {
    {"dirty.contract", "what the guest wrote is asked for in order",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_CODE | CHECK_NEEDS_DIRTY, check_contract},
    {NULL, NULL, 0, NULL},
};
