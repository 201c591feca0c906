/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rows need to know of an architecture, as data. The program knows all of them always, and the
 * note of the plugin chooses: nothing here depends on the machine that it runs on. What every
 * architecture does alike stands in the rows.
 */
#ifndef SCONCE_PLUGIN_CHECK_ARCH_H
#define SCONCE_PLUGIN_CHECK_ARCH_H

#include "tools/plugin-check/bad.h"
#include "tools/plugin-check/plugin.h"
#include "tools/plugin-check/scrub.h"

struct check_bytes {
    uint8_t bytes[32];
    size_t length;
};

/* A 64-bit word of the file SCONCE_REGS_STANDARD. */
struct check_word {
    uint32_t at; /* its number */
    uint64_t value;
};

struct check_arch {
    uint32_t machine; /* ELF e_machine */
    struct check_bytes code[CHECK_CODES];
    struct check_bytes return_code; /* a function that returns */

    /* Each up to LAST: what the machine has besides what all have. Of faults.elf: wrong accesses
     * and instructions; of privileged.elf; of flags.elf those that are no fault of the last
     * instruction. */
    const struct check_bad *accesses;
    const struct check_bad *instructions;
    const struct check_bad *privileged;
    const struct check_bad *flag_traps;
    const uint64_t *flags; /* for the exports of flags.elf, up to a 0 */
    /* A stack pointer with which not every machine lets a stopped process go on; NULL for none. */
    bool (*strands)(uint64_t sp);

    /* Of faults.elf and of privileged.elf: what looks like that and is none of it. */
    const struct check_good *harmless;
    const struct check_good *permitted;

    /* Of handler.elf: what else is handled; and, up to a value of 0, what no guest can hold. */
    const struct check_good *handled;
    const struct check_word *unholdable;

    /* What is near the doorbell and none, in a box of no_doorbell_guest. */
    enum check_outcome (*no_doorbell)(struct check *check, struct check_box *box);
    const char *no_doorbell_guest;

    const struct check_scrub *scrub;
};

/** check_arch_of - of the backend's guests; NULL for one that is not known. */
const struct check_arch *check_arch_of(const struct check *check);

/** check_arch_known - the same; without it the row is skipped, and says so. */
enum check_outcome check_arch_known(struct check *check, const struct check_arch **ret_arch);

extern const struct check_arch check_arch_x86_64;
extern const struct check_arch check_arch_aarch64;

#endif
