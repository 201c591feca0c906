/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub sweep: every register that a guest can write is filled with a pattern, the vCPU is
 * reset, and nothing of it is left. Once through sconce.regs/1, once as the next guest would see
 * it.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "sconce-regs-x86_64.h"
#include "tools/plugin-check/box.h"
#include "tools/plugin-check/plugin.h"

#define MACHINE_X86_64 62u
#define PATTERN 0x5ec2e75ec2e7ull /* an address that a guest could have: 47 bits */
#define PATTERN_BYTE 0x5e

struct bench {
    struct check_ready ready;
    const struct sconce_ext_regs *regs;
};

static void end_bench(struct bench *bench)
{
    check_ready_close(&bench->ready);
}

static enum check_outcome start_bench(struct check *check, struct bench *bench)
{
    if (check->setup->machine != MACHINE_X86_64)
        return check_skip(check, "no register files of machine %u are known",
                          check->setup->machine);
    CHECK_STEP(check_ready_open(check, &bench->ready));
    bench->regs = bench->ready.plugin.descriptor->get_extension(SCONCE_EXT_REGS);
    CHECK_STEP(check_vm_enter(check, &bench->ready.vm, CHECK_CODE_DOORBELL));
    return check_vm_run_to(check, &bench->ready.vm, SCONCE_EXIT_DOORBELL, "the first run");
}

static enum check_outcome get(struct check *check, struct bench *bench, uint32_t file, void *to,
                              size_t bytes)
{
    return check_done(
        check, &bench->ready.plugin,
        bench->regs->get(bench->ready.vm.vm, file, to, bytes, check_err(&bench->ready.plugin)),
        "regs.get");
}

static enum check_outcome set(struct check *check, struct bench *bench, uint32_t file,
                              const void *from, size_t bytes)
{
    return check_done(
        check, &bench->ready.plugin,
        bench->regs->set(bench->ready.vm.vm, file, from, bytes, check_err(&bench->ready.plugin)),
        "regs.set");
}

/* Is there a run of the pattern's byte that no honest value has? */
static bool has_pattern(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    size_t run = 0;

    for (size_t i = 0; i < bytes; i++) {
        run = at[i] == PATTERN_BYTE ? run + 1 : 0;
        if (run == 4)
            return true;
    }
    return false;
}

static bool has_word(const void *data, size_t bytes, uint64_t word)
{
    const uint8_t *at = data;

    for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word) {
        if (memcmp(at + i, &word, sizeof word) == 0)
            return true;
    }
    return false;
}

/* Reset, and be where a new guest is. */
static enum check_outcome scrub(struct check *check, struct bench *bench)
{
    return check_vm_reset(check, &bench->ready.vm);
}

static enum check_outcome check_standard(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct bench bench = {.ready = CHECK_READY_EMPTY};
    struct sconce_x86_standard regs, now;

    CHECK_STEP(start_bench(check, &bench));
    memset(&regs, PATTERN_BYTE, sizeof regs);
    regs.rip = PATTERN;
    regs.rflags = 0x200cd5 | 2 | 0x200; /* all that ring 3 can set but TF, NT and AC */
    CHECK_STEP(set(check, &bench, SCONCE_REGS_STANDARD, &regs, sizeof regs));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(scrub(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, !has_pattern(&now, sizeof now) && now.rip != PATTERN,
          "a general register survived");
    CHECK(check, (now.rflags & ~0x200ull) == 2, "RFLAGS is 0x%llx", (unsigned long long)now.rflags);
    return CHECK_OK;
}

static enum check_outcome check_special(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct bench bench = {.ready = CHECK_READY_EMPTY};
    struct sconce_x86_special before, regs, now;

    CHECK_STEP(start_bench(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_SPECIAL, &before, sizeof before));
    regs = before;
    regs.fs_base = PATTERN;
    regs.gs_base = PATTERN;
    CHECK_STEP(set(check, &bench, SCONCE_REGS_SPECIAL, &regs, sizeof regs));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(scrub(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, !has_word(&now, sizeof now, PATTERN), "an FS or GS base survived");
    CHECK(check,
          now.cr0 == before.cr0 && now.cr3 == before.cr3 && now.cr4 == before.cr4 &&
              now.efer == before.efer && now.xcr0 == before.xcr0,
          "a control register differs after the reset");
    return CHECK_OK;
}

static enum check_outcome check_float(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct bench bench = {.ready = CHECK_READY_EMPTY};
    static struct sconce_x86_float regs, now;
    const uint16_t fcw = 0x27f;    /* 53-bit mantissa */
    const uint32_t mxcsr = 0xffbf; /* every rounding and flush bit but the exception flag 6 */

    CHECK_STEP(start_bench(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    memcpy(regs.fxsave, &fcw, sizeof fcw);
    memcpy(regs.fxsave + 24, &mxcsr, sizeof mxcsr);
    for (size_t i = 0; i < 8; i++) /* the x87 registers: ten bytes each of sixteen */
        memset(regs.fxsave + 32 + 16 * i, PATTERN_BYTE, 10);
    regs.fxsave[4] = 0xff; /* all of them in use */
    memset(regs.fxsave + 160, PATTERN_BYTE, 256);
    if (regs.xfeatures & 4) /* AVX */
        memset(regs.ymm_hi, PATTERN_BYTE, sizeof regs.ymm_hi);
    if ((regs.xfeatures & 0xe0) == 0xe0) { /* AVX-512 */
        memset(regs.opmask, PATTERN_BYTE, sizeof regs.opmask);
        memset(regs.zmm_hi, PATTERN_BYTE, sizeof regs.zmm_hi);
        memset(regs.hi16_zmm, PATTERN_BYTE, sizeof regs.hi16_zmm);
    }
    CHECK_STEP(set(check, &bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, has_pattern(now.fxsave + 160, 256), "what was set cannot be read back");
    CHECK_STEP(scrub(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, !has_pattern(&now, sizeof now), "an x87 or vector register survived");
    CHECK(check, memcmp(now.fxsave, "\x7f\x03", 2) == 0, "the x87 control word survived");
    CHECK(check, memcmp(now.fxsave + 24, "\x80\x1f\0\0", 4) == 0, "MXCSR survived");
    return check_note(check, "components 0x%llx", (unsigned long long)regs.xfeatures);
}

static enum check_outcome check_debug(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct bench bench = {.ready = CHECK_READY_EMPTY};
    struct sconce_x86_debug regs, now;

    CHECK_STEP(start_bench(check, &bench));
    if (bench.regs->get(bench.ready.vm.vm, SCONCE_REGS_DEBUG, &regs, sizeof regs,
                        check_err(&bench.ready.plugin)) == SCONCE_PLUGIN_E_NOT_SUPPORTED)
        return check_skip(check, "its guests have no debug registers: %s",
                          bench.ready.plugin.err.text);
    CHECK_STEP(get(check, &bench, SCONCE_REGS_DEBUG, &regs, sizeof regs));
    for (size_t i = 0; i < 4; i++)
        regs.dr[i] = PATTERN;
    CHECK_STEP(set(check, &bench, SCONCE_REGS_DEBUG, &regs, sizeof regs));
    CHECK_STEP(scrub(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_DEBUG, &now, sizeof now));
    CHECK(check, !has_word(&now, sizeof now, PATTERN), "a debug register survived");
    return CHECK_OK;
}

static enum check_outcome refuse_set(struct check *check, struct bench *bench, uint32_t file,
                                     const void *from, size_t bytes, const char *what)
{
    int32_t status =
        bench->regs->set(bench->ready.vm.vm, file, from, bytes, check_err(&bench->ready.plugin));

    return check_refused(check, &bench->ready.plugin, status, what);
}

static enum check_outcome check_refusals(struct check *check)
{
    SCONCE_CLEANUP(end_bench) struct bench bench = {.ready = CHECK_READY_EMPTY};
    struct sconce_x86_standard standard, bad_standard;
    struct sconce_x86_special special;
    static struct sconce_x86_float floats;
    int32_t status;

    CHECK_STEP(start_bench(check, &bench));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_STANDARD, &standard, sizeof standard));
    bad_standard = standard;
    bad_standard.rip = 1ull << 63;
    CHECK_STEP(refuse_set(check, &bench, SCONCE_REGS_STANDARD, &bad_standard, sizeof bad_standard,
                          "an impossible RIP"));
    bad_standard = standard;
    bad_standard.rflags |= 0x3000;
    CHECK_STEP(refuse_set(check, &bench, SCONCE_REGS_STANDARD, &bad_standard, sizeof bad_standard,
                          "IOPL 3"));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_SPECIAL, &special, sizeof special));
    special.cr3 ^= 0x1000;
    CHECK_STEP(
        refuse_set(check, &bench, SCONCE_REGS_SPECIAL, &special, sizeof special, "another CR3"));
    special.cr3 ^= 0x1000;
    special.gs_base = 1ull << 63;
    CHECK_STEP(refuse_set(check, &bench, SCONCE_REGS_SPECIAL, &special, sizeof special,
                          "an impossible GS base"));
    CHECK_STEP(get(check, &bench, SCONCE_REGS_FLOAT, &floats, sizeof floats));
    memset(floats.fxsave + 24, 0xff, 4);
    CHECK_STEP(refuse_set(check, &bench, SCONCE_REGS_FLOAT, &floats, sizeof floats,
                          "reserved bits of MXCSR"));
    CHECK_STEP(refuse_set(check, &bench, SCONCE_REGS_STANDARD, &standard, sizeof standard - 8,
                          "a file of another size"));
    status = bench.regs->get(bench.ready.vm.vm, 99, &standard, sizeof standard,
                             check_err(&bench.ready.plugin));
    CHECK_STEP(check_refused(check, &bench.ready.plugin, status, "register file 99"));
    return check_vm_run_to(check, &bench.ready.vm, SCONCE_EXIT_DOORBELL, "the run after all that");
}

/* ---- as the next guest sees it ---- */

static enum check_outcome check_guest(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint32_t classes;

    CHECK_STEP(check_box_open(check, &box, "registers.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "available", WITHOUT));
    classes = box.result.as.u32;
    CHECK_STEP(check_call_done(check, &box, "fill_and_ready", WITH(check_u32(classes))));
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
    {"scrub.special", "FS and GS bases do not survive a reset",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_special},
    {"scrub.float", "x87 and vector registers do not survive a reset",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_float},
    {"scrub.debug", "debug registers do not survive a reset", CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS,
     check_debug},
    {"regs.refusals", "what no guest could hold is refused, and nothing changes",
     CHECK_NEEDS_PROBE | CHECK_NEEDS_REGS, check_refusals},
    {"scrub.guest", "the next guest finds nothing in any register", CHECK_NEEDS_SANDBOX,
     check_guest},
    {NULL, NULL, 0, NULL},
};
