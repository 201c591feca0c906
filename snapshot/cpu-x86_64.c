/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What glibc, musl and compilers' run-time libraries choose code by on x86_64, under the names that
 * Linux has for it. Bits are as in the SDM vol 2A, CPUID, and the AMD APM vol 3 app. E.
 */
#include <cpuid.h>
#include <elf.h>

#include "snapshot/cpu.h"

enum { L1_ECX, L7_EBX, L7_ECX, L7_EDX, E1_ECX, LD_1_EAX, WORDS };

/* @state: what of XCR0 it needs (SDM vol 1, 13.3): YMM, and ZMM with the masks. */
#define YMM 0x06u
#define ZMM 0xe6u

static const struct {
    const char *name;
    uint8_t word, bit, state;
} features[] = {
    {"sse3", L1_ECX, 0, 0},
    {"pclmulqdq", L1_ECX, 1, 0},
    {"ssse3", L1_ECX, 9, 0},
    {"fma", L1_ECX, 12, YMM},
    {"cx16", L1_ECX, 13, 0},
    {"sse4_1", L1_ECX, 19, 0},
    {"sse4_2", L1_ECX, 20, 0},
    {"movbe", L1_ECX, 22, 0},
    {"popcnt", L1_ECX, 23, 0},
    {"aes", L1_ECX, 25, 0},
    {"avx", L1_ECX, 28, YMM},
    {"f16c", L1_ECX, 29, YMM},
    {"rdrand", L1_ECX, 30, 0},
    {"bmi1", L7_EBX, 3, 0},
    {"avx2", L7_EBX, 5, YMM},
    {"bmi2", L7_EBX, 8, 0},
    {"erms", L7_EBX, 9, 0},
    {"rtm", L7_EBX, 11, 0},
    {"avx512f", L7_EBX, 16, ZMM},
    {"avx512dq", L7_EBX, 17, ZMM},
    {"rdseed", L7_EBX, 18, 0},
    {"adx", L7_EBX, 19, 0},
    {"avx512ifma", L7_EBX, 21, ZMM},
    {"avx512cd", L7_EBX, 28, ZMM},
    {"sha_ni", L7_EBX, 29, 0},
    {"avx512bw", L7_EBX, 30, ZMM},
    {"avx512vl", L7_EBX, 31, ZMM},
    {"avx512vbmi", L7_ECX, 1, ZMM},
    {"avx512_vbmi2", L7_ECX, 6, ZMM},
    {"gfni", L7_ECX, 8, 0},
    {"vaes", L7_ECX, 9, YMM},
    {"vpclmulqdq", L7_ECX, 10, YMM},
    {"avx512_vnni", L7_ECX, 11, ZMM},
    {"rdpid", L7_ECX, 22, 0},
    {"fsrm", L7_EDX, 4, 0},
    {"lahf_lm", E1_ECX, 0, 0},
    {"abm", E1_ECX, 5, 0},
    {"fma4", E1_ECX, 16, YMM},
    {"xsavec", LD_1_EAX, 1, 0},
};

static void read_leaf(uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    if (__get_cpuid_count(leaf, subleaf, &ret[0], &ret[1], &ret[2], &ret[3]))
        return;
    ret[0] = ret[1] = ret[2] = ret[3] = 0;
}

static uint32_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

void sconce_cpu_look(struct sconce_cpu *ret_cpu)
{
    uint32_t words[WORDS], leaf[4], xcr0 = 0;

    read_leaf(1, 0, leaf);
    words[L1_ECX] = leaf[2];
    if (leaf[2] >> 27 & 1) /* OSXSAVE */
        xcr0 = read_xcr0();
    read_leaf(7, 0, leaf);
    words[L7_EBX] = leaf[1];
    words[L7_ECX] = leaf[2];
    words[L7_EDX] = leaf[3];
    read_leaf(0xd, 1, leaf);
    words[LD_1_EAX] = leaf[0];
    read_leaf(0x80000001u, 0, leaf);
    words[E1_ECX] = leaf[2];

    *ret_cpu = (struct sconce_cpu){0};
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if ((words[features[i].word] >> features[i].bit & 1) &&
            (xcr0 & features[i].state) == features[i].state)
            sconce_cpu_add(ret_cpu, features[i].name);
}

uint32_t sconce_cpu_machine(void)
{
    return EM_X86_64;
}
