/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux says of the processor to programs (arch/arm64/include/uapi/asm/hwcap.h), which is what
 * libraries choose code by. */
#include <elf.h>
#include <sys/auxv.h>

#include "snapshot/cpu.h"

static const struct {
    const char *name;
    uint8_t word, bit; /* of AT_HWCAP and AT_HWCAP2 */
} features[] = {
    {"fp", 0, 0},     {"asimd", 0, 1},     {"aes", 0, 3},       {"pmull", 0, 4},
    {"sha1", 0, 5},   {"sha2", 0, 6},      {"crc32", 0, 7},     {"atomics", 0, 8},
    {"fphp", 0, 9},   {"asimdhp", 0, 10},  {"asimdrdm", 0, 12}, {"jscvt", 0, 13},
    {"fcma", 0, 14},  {"lrcpc", 0, 15},    {"dcpop", 0, 16},    {"sha3", 0, 17},
    {"sm3", 0, 18},   {"sm4", 0, 19},      {"asimddp", 0, 20},  {"sha512", 0, 21},
    {"sve", 0, 22},   {"asimdfhm", 0, 23}, {"uscat", 0, 25},    {"ilrcpc", 0, 26},
    {"flagm", 0, 27}, {"sb", 0, 29},       {"paca", 0, 30},     {"pacg", 0, 31},
    {"sve2", 1, 1},   {"flagm2", 1, 7},    {"frint", 1, 8},     {"i8mm", 1, 13},
    {"bf16", 1, 14},  {"rng", 1, 16},      {"bti", 1, 17},      {"mte", 1, 18},
};

void sconce_cpu_look(struct sconce_cpu *ret_cpu)
{
    const unsigned long words[] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};

    *ret_cpu = (struct sconce_cpu){0};
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (words[features[i].word] >> features[i].bit & 1)
            sconce_cpu_add(ret_cpu, features[i].name);
}

uint32_t sconce_cpu_machine(void)
{
    return EM_AARCH64;
}
