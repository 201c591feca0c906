/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe (plugins/shared/process/probe.c) asks of this architecture: whether the kernel has
 * what the stub needs. */
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "plugins/process-aarch64/process-aarch64.h"
#include "plugins/shared/plugin-error.h"
#include "sconce-guest-abi.h"

#define PAGE 4096

/* asm/hwcap.h, asm/auxvec.h; newer than the oldest headers that this is built with. */
#define HWCAP_SVE_ (1ul << 22)
#define HWCAP2_SME_ (1ul << 23)
#define AT_MINSIGSTKSZ_ 51

#define SVC(number) (0xd4000001u | (number) << 5)
#define INSN(word) (word) & 0xff, (word) >> 8 & 0xff, (word) >> 16 & 0xff, (word) >> 24 & 0xff

const uint8_t process_a64_trial_code[PROCESS_A64_TRIAL_BYTES] = {
    INSN(0xd2800000u | SCONCE_DOORBELL_READY << 5), /* mov x0, #1 */
    INSN((SVC(SCONCE_DOORBELL_SVC_AARCH64))),
    INSN((SVC(0u))),
};

int32_t process_a64_suits(struct sconce_plugin_error *err)
{
    const uint64_t frame_bytes = getauxval(AT_MINSIGSTKSZ_);
    const long page = sysconf(_SC_PAGESIZE);

    if (page != PAGE)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "a kernel with pages of 4 KiB is needed",
                                  "this kernel has pages of %ld bytes", page);
    /* Of the largest state that the processor has, which is SME's; what guests get of it is less
     * (prepare.c), but not on every processor. */
    if (frame_bytes > SCONCE_ALTSTACK_BYTES)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "start the kernel with arm64.nosme on its command line",
                                  "this processor's signal frames have up to %llu bytes, more than "
                                  "the %d that there is room for",
                                  (unsigned long long)frame_bytes, SCONCE_ALTSTACK_BYTES);
    return SCONCE_PLUGIN_OK;
}

/* Frames are the same on every machine. */
int32_t process_a64_learn(const struct sconce_plugin_vm *trial, struct sconce_plugin_error *err)
{
    (void)trial, (void)err;
    return SCONCE_PLUGIN_OK;
}

void process_a64_equip(struct sconce_plugin_vm *vm)
{
    (void)vm;
}

void process_a64_describe(char *ret_text, size_t bytes)
{
    const char *simd = getauxval(AT_HWCAP) & HWCAP_SVE_ ? "SVE" : "NEON";

    snprintf(ret_text, bytes, "%s%s, ID registers unfiltered", simd,
             getauxval(AT_HWCAP2) & HWCAP2_SME_ ? ", SME" : "");
}
