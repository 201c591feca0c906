/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub sweep's parts: a VM whose registers are filled and looked at through sconce.regs/1.
 * check-scrub.c has the rows, scrub-ARCH.c the register files of one architecture.
 */
#ifndef SCONCE_PLUGIN_CHECK_SCRUB_H
#define SCONCE_PLUGIN_CHECK_SCRUB_H

#include "tools/plugin-check/plugin.h"

#define CHECK_PATTERN 0x5ec2e75ec2e7ull /* an address that a guest could have: 47 bits */
#define CHECK_PATTERN_BYTE 0x5e

struct check_bench {
    struct check_ready ready;
    const struct sconce_ext_regs *regs;
};

/* One row each, on a bench whose guest has rung a doorbell. */
struct check_scrub {
    enum check_outcome (*standard)(struct check *check, struct check_bench *bench);
    enum check_outcome (*special)(struct check *check, struct check_bench *bench);
    enum check_outcome (*floats)(struct check *check, struct check_bench *bench);
    enum check_outcome (*debug)(struct check *check, struct check_bench *bench);
    enum check_outcome (*refusals)(struct check *check, struct check_bench *bench);
};

extern const struct check_scrub check_scrub_x86_64;
extern const struct check_scrub check_scrub_aarch64;

/** check_bench_get, check_bench_set - a whole register file; must succeed. */
enum check_outcome check_bench_get(struct check *check, struct check_bench *bench, uint32_t file,
                                   void *to, size_t bytes);
enum check_outcome check_bench_set(struct check *check, struct check_bench *bench, uint32_t file,
                                   const void *from, size_t bytes);

/** check_bench_refuse - setting it must fail, with a reason. @what: "another CR3". */
enum check_outcome check_bench_refuse(struct check *check, struct check_bench *bench, uint32_t file,
                                      const void *from, size_t bytes, const char *what);

/** check_bench_scrub - reset, and be where a new guest is. */
enum check_outcome check_bench_scrub(struct check *check, struct check_bench *bench);

/** check_bench_debug - the debug registers; skips the row where guests have none. */
enum check_outcome check_bench_debug(struct check *check, struct check_bench *bench, void *to,
                                     size_t bytes);

/** check_has_pattern - is there a run of the pattern's byte that no honest value has? */
bool check_has_pattern(const void *data, size_t bytes);

/** check_has_word - at a multiple of its own size. */
bool check_has_word(const void *data, size_t bytes, uint64_t word);

#endif
