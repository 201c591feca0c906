/* SPDX-License-Identifier: Apache-2.0 */
/* The scrub sweep through the register files of x86_64. */
#include <string.h>

#include "sconce-regs-x86_64.h"
#include "tools/plugin-check/scrub.h"

static enum check_outcome scrub_standard(struct check *check, struct check_bench *bench)
{
    struct sconce_x86_standard regs, now;

    memset(&regs, CHECK_PATTERN_BYTE, sizeof regs);
    regs.rip = CHECK_PATTERN;
    regs.rflags = 0x200cd5 | 2 | 0x200; /* all that ring 3 can set but TF, NT and AC */
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_STANDARD, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &now, sizeof now));
    CHECK(check, !check_has_pattern(&now, sizeof now) && now.rip != CHECK_PATTERN,
          "a general register survived");
    CHECK(check, (now.rflags & ~0x200ull) == 2, "RFLAGS is 0x%llx", (unsigned long long)now.rflags);
    return CHECK_OK;
}

static enum check_outcome scrub_special(struct check *check, struct check_bench *bench)
{
    struct sconce_x86_special before, regs, now;

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &before, sizeof before));
    regs = before;
    regs.fs_base = CHECK_PATTERN;
    regs.gs_base = CHECK_PATTERN;
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_SPECIAL, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, memcmp(&regs, &now, sizeof regs) == 0, "what was set is not what is read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &now, sizeof now));
    CHECK(check, !check_has_word(&now, sizeof now, CHECK_PATTERN), "an FS or GS base survived");
    CHECK(check,
          now.cr0 == before.cr0 && now.cr3 == before.cr3 && now.cr4 == before.cr4 &&
              now.efer == before.efer && now.xcr0 == before.xcr0,
          "a control register differs after the reset");
    return CHECK_OK;
}

static enum check_outcome scrub_floats(struct check *check, struct check_bench *bench)
{
    static struct sconce_x86_float regs, now;
    const uint16_t fcw = 0x27f;    /* 53-bit mantissa */
    const uint32_t mxcsr = 0xffbf; /* every rounding and flush bit but the exception flag 6 */

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    memcpy(regs.fxsave, &fcw, sizeof fcw);
    memcpy(regs.fxsave + 24, &mxcsr, sizeof mxcsr);
    for (size_t i = 0; i < 8; i++) /* the x87 registers: ten bytes each of sixteen */
        memset(regs.fxsave + 32 + 16 * i, CHECK_PATTERN_BYTE, 10);
    regs.fxsave[4] = 0xff; /* all of them in use */
    memset(regs.fxsave + 160, CHECK_PATTERN_BYTE, 256);
    if (regs.xfeatures & 4) /* AVX */
        memset(regs.ymm_hi, CHECK_PATTERN_BYTE, sizeof regs.ymm_hi);
    if ((regs.xfeatures & 0xe0) == 0xe0) { /* AVX-512 */
        memset(regs.opmask, CHECK_PATTERN_BYTE, sizeof regs.opmask);
        memset(regs.zmm_hi, CHECK_PATTERN_BYTE, sizeof regs.zmm_hi);
        memset(regs.hi16_zmm, CHECK_PATTERN_BYTE, sizeof regs.hi16_zmm);
    }
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_FLOAT, &regs, sizeof regs));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, check_has_pattern(now.fxsave + 160, 256), "what was set cannot be read back");
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &now, sizeof now));
    CHECK(check, !check_has_pattern(&now, sizeof now), "an x87 or vector register survived");
    CHECK(check, memcmp(now.fxsave, "\x7f\x03", 2) == 0, "the x87 control word survived");
    CHECK(check, memcmp(now.fxsave + 24, "\x80\x1f\0\0", 4) == 0, "MXCSR survived");
    return check_note(check, "components 0x%llx", (unsigned long long)regs.xfeatures);
}

static enum check_outcome scrub_debug(struct check *check, struct check_bench *bench)
{
    struct sconce_x86_debug regs, now;

    CHECK_STEP(check_bench_debug(check, bench, &regs, sizeof regs));
    for (size_t i = 0; i < 4; i++)
        regs.dr[i] = CHECK_PATTERN;
    CHECK_STEP(check_bench_set(check, bench, SCONCE_REGS_DEBUG, &regs, sizeof regs));
    CHECK_STEP(check_bench_scrub(check, bench));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_DEBUG, &now, sizeof now));
    CHECK(check, !check_has_word(&now, sizeof now, CHECK_PATTERN), "a debug register survived");
    return CHECK_OK;
}

static enum check_outcome scrub_refusals(struct check *check, struct check_bench *bench)
{
    struct sconce_x86_standard standard, bad_standard;
    struct sconce_x86_special special;
    static struct sconce_x86_float floats;

    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_STANDARD, &standard, sizeof standard));
    bad_standard = standard;
    bad_standard.rip = 1ull << 63;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &bad_standard,
                                  sizeof bad_standard, "an impossible RIP"));
    bad_standard = standard;
    bad_standard.rflags |= 0x3000;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &bad_standard,
                                  sizeof bad_standard, "IOPL 3"));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special));
    special.cr3 ^= 0x1000;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special,
                                  "another CR3"));
    special.cr3 ^= 0x1000;
    special.gs_base = 1ull << 63;
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_SPECIAL, &special, sizeof special,
                                  "an impossible GS base"));
    CHECK_STEP(check_bench_get(check, bench, SCONCE_REGS_FLOAT, &floats, sizeof floats));
    memset(floats.fxsave + 24, 0xff, 4);
    CHECK_STEP(check_bench_refuse(check, bench, SCONCE_REGS_FLOAT, &floats, sizeof floats,
                                  "reserved bits of MXCSR"));
    return check_bench_refuse(check, bench, SCONCE_REGS_STANDARD, &standard, sizeof standard - 8,
                              "a file of another size");
}

const struct check_scrub check_scrub_x86_64 = {
    .standard = scrub_standard,
    .special = scrub_special,
    .floats = scrub_floats,
    .debug = scrub_debug,
    .refusals = scrub_refusals,
};
