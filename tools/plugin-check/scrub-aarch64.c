/* SPDX-License-Identifier: Apache-2.0 */
/* The scrub sweep through the register files of aarch64. Sections are the Arm ARM's (DDI 0487). */
#include <string.h>

#include "sconce-regs-aarch64.h"
#include "tools/plugin-check/scrub.h"

#define NZCV 0xf0000000ull
#define FPCR 0x07c00000ull /* AHP, DN, FZ, round to zero: what every machine has; C5.2.8 */
#define FPSR 0x0800009full /* QC and the exceptions; C5.2.10 */
/* A breakpoint for EL0 alone, on all four bytes, not enabled: PMC is 2, BAS is 15; D19.3.2 */
#define BCR 0x1e4ull

static enum check_outcome scrub_standard(struct check *check, struct check_bench *bench)
{
    struct sconce_a64_standard regs, now;

    memset(&regs, CHECK_PATTERN_BYTE, sizeof regs);
    regs.pc = CHECK_PATTERN & ~3ull;
    regs.pstate = NZCV;
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_STANDARD, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, !check_has_pattern(&now, sizeof now) && now.pc != regs.pc,
          "a general register survived");
    CHECK(check, now.pstate == 0, "PSTATE is 0x%llx", (unsigned long long)now.pstate);
    return CHECK_OK;
}

/* What belongs to the kernel, but for what the last exception left. */
static bool same_controls(const struct sconce_a64_special *a, const struct sconce_a64_special *b)
{
    return a->tpidrro_el0 == b->tpidrro_el0 && a->tpidr_el1 == b->tpidr_el1 &&
           a->sctlr_el1 == b->sctlr_el1 && a->cpacr_el1 == b->cpacr_el1 &&
           a->tcr_el1 == b->tcr_el1 && a->ttbr0_el1 == b->ttbr0_el1 && a->mair_el1 == b->mair_el1 &&
           a->vbar_el1 == b->vbar_el1 && a->contextidr_el1 == b->contextidr_el1 &&
           a->cntkctl_el1 == b->cntkctl_el1;
}

static enum check_outcome scrub_special(struct check *check, struct check_bench *bench)
{
    struct sconce_a64_special before, regs, now;

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &before, sizeof before));
    regs = before;
    regs.tpidr_el0 = CHECK_PATTERN;
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_SPECIAL, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, !check_has_word(&now, sizeof now, CHECK_PATTERN), "the thread pointer survived");
    CHECK(check, same_controls(&before, &now), "a system register differs after the reset");
    return CHECK_OK;
}

static enum check_outcome scrub_floats(struct check *check, struct check_bench *bench)
{
    static struct sconce_a64_float regs, now;

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    memset(regs.v, CHECK_PATTERN_BYTE, sizeof regs.v);
    regs.fpcr = FPCR;
    regs.fpsr = FPSR;
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, !check_has_pattern(&now, sizeof now), "a vector register survived");
    CHECK(check, now.fpcr == 0, "FPCR is 0x%llx", (unsigned long long)now.fpcr);
    CHECK(check, now.fpsr == 0, "FPSR is 0x%llx", (unsigned long long)now.fpsr);
    return CHECK_OK;
}

static enum check_outcome scrub_debug(struct check *check, struct check_bench *bench)
{
    struct sconce_a64_debug regs, now;

    CHECK_STEP(check_bench_debug(check, bench, &regs, sizeof regs));
    for (size_t i = 0; i < 2; i++) { /* as many as every machine has */
        regs.bvr[i] = CHECK_PATTERN & ~3ull;
        regs.bcr[i] = BCR;
        regs.wvr[i] = CHECK_PATTERN & ~7ull;
    }
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_DEBUG, &regs, sizeof regs));
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_DEBUG, &now, sizeof now));
    CHECK(check,
          !check_has_word(&now, sizeof now, CHECK_PATTERN & ~3ull) &&
              !check_has_word(&now, sizeof now, CHECK_PATTERN & ~7ull) &&
              !check_has_word(&now, sizeof now, BCR),
          "a debug register survived");
    return CHECK_OK;
}

static enum check_outcome scrub_refusals(struct check *check, struct check_bench *bench)
{
    struct sconce_a64_standard standard, bad_standard;
    struct sconce_a64_special special;

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &standard, sizeof standard));
    bad_standard = standard;
    bad_standard.pc = 1ull << 63;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &bad_standard,
                                  sizeof bad_standard, "an impossible PC"));
    bad_standard = standard;
    bad_standard.pstate |= 5; /* EL1h; C5.2.18, M */
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &bad_standard,
                                  sizeof bad_standard, "the kernel's level"));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special));
    special.ttbr0_el1 ^= 0x1000;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special,
                                  "another TTBR0_EL1"));
    special.ttbr0_el1 ^= 0x1000;
    special.vbar_el1 ^= 0x800;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special,
                                  "another VBAR_EL1"));
    return check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &standard, sizeof standard - 8,
                              "a file of another size");
}

const struct check_scrub check_scrub_aarch64 = {
    .standard = scrub_standard,
    .special = scrub_special,
    .floats = scrub_floats,
    .debug = scrub_debug,
    .refusals = scrub_refusals,
};
