/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processor an x86_64 program says that it needs (its property GNU_PROPERTY_X86_ISA_1_NEEDED:
 * x86-64 psABI, "Program Property"), held against the one that it was given. Whoever needs more
 * than there is gives up with a text, where it would otherwise run into an instruction that faults
 * some day. The features of each level are those of the psABI, "Micro-Architecture Levels".
 *
 * Runs before the program has relocated itself, as process.c does, and under the same rules.
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-guest-abi.h"

extern void sconce_isa_check(const struct sconce_boot *boot);
extern void sconce_doorbell(uint32_t number);
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* Of binutils; older <elf.h> lacks them. */
#define SEGMENT_GNU_PROPERTY 0x6474e553u
#define NOTE_GNU_PROPERTIES 5u
#define PROPERTY_ISA_1_NEEDED 0xc0008002u

/* Bits of that property: bit 0 is what every x86_64 processor has. */
#define LEVEL_OLDEST 1u
#define LEVEL_NEWEST 3u /* x86-64-v4 */

/* Registers that CPUID gives, without what the operating system has not switched on. */
enum { LEAF_1_ECX, LEAF_7_EBX, LEAF_80000001_ECX, WORDS };
struct processor {
    uint32_t words[WORDS];
};

static const struct {
    char name[14];
    uint8_t level; /* bit of the property */
    uint8_t word, bit;
} features[] = {
    {"CMPXCHG16B", 1, LEAF_1_ECX, 13}, {"LAHF-SAHF", 1, LEAF_80000001_ECX, 0},
    {"POPCNT", 1, LEAF_1_ECX, 23},     {"SSE3", 1, LEAF_1_ECX, 0},
    {"SSE4.1", 1, LEAF_1_ECX, 19},     {"SSE4.2", 1, LEAF_1_ECX, 20},
    {"SSSE3", 1, LEAF_1_ECX, 9},       {"AVX", 2, LEAF_1_ECX, 28},
    {"AVX2", 2, LEAF_7_EBX, 5},        {"BMI1", 2, LEAF_7_EBX, 3},
    {"BMI2", 2, LEAF_7_EBX, 8},        {"F16C", 2, LEAF_1_ECX, 29},
    {"FMA", 2, LEAF_1_ECX, 12},        {"LZCNT", 2, LEAF_80000001_ECX, 5},
    {"MOVBE", 2, LEAF_1_ECX, 22},      {"OSXSAVE", 2, LEAF_1_ECX, 27},
    {"AVX512F", 3, LEAF_7_EBX, 16},    {"AVX512BW", 3, LEAF_7_EBX, 30},
    {"AVX512CD", 3, LEAF_7_EBX, 28},   {"AVX512DQ", 3, LEAF_7_EBX, 17},
    {"AVX512VL", 3, LEAF_7_EBX, 31},
};
#define FEATURES (sizeof features / sizeof features[0])

/* XCR0 (SDM vol 1, 13.3): XMM and YMM; those, masks and both parts of ZMM. */
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xe6u
#define AVX_LEAF_1 (1u << 28 | 1u << 29 | 1u << 12)
#define AVX_LEAF_7 (1u << 5)
#define AVX512_LEAF_7 (1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31)

/* What uses registers that are not switched on cannot be used. */
static void leave_usable(struct processor *cpu, uint64_t xcr0)
{
    if ((xcr0 & XCR0_YMM) != XCR0_YMM) {
        cpu->words[LEAF_1_ECX] &= ~AVX_LEAF_1;
        cpu->words[LEAF_7_EBX] &= ~AVX_LEAF_7;
    }
    if ((xcr0 & XCR0_ZMM) != XCR0_ZMM)
        cpu->words[LEAF_7_EBX] &= ~AVX512_LEAF_7;
}

/* ---- The text -------------------------------------------------------------------------------- */

struct text {
    char *at;
    const char *end;
};

static void add(struct text *text, const char *from)
{
    while (*from && text->at < text->end)
        *text->at++ = *from++;
}

static unsigned highest_bit(uint32_t bits)
{
    unsigned bit = 0;

    while (bits >>= 1)
        bit++;
    return bit;
}

/* Is what @needed says more than @cpu has? Then @text says what is missing. A level includes the
 * ones below it, whether or not their bits are set. */
static bool lacks(const struct processor *cpu, uint32_t needed, struct text *text)
{
    static const char known[] = "the guest needs x86-64-vN, the processor that it was given lacks ";
    static const char newer[] = "the guest needs a newer processor than x86-64-v4, the newest that "
                                "the SDK it was linked with can check";
    const unsigned level = highest_bit(needed);
    unsigned missing = 0;

    if (level > LEVEL_NEWEST) {
        add(text, newer);
        return true;
    }
    for (unsigned i = 0; i < FEATURES; i++) {
        if (features[i].level > level || cpu->words[features[i].word] >> features[i].bit & 1)
            continue;
        if (!missing++) {
            char *digit = text->at + sizeof "the guest needs x86-64-v" - 1;

            add(text, known);
            if (digit < text->end)
                *digit = (char)('1' + level);
        } else {
            static const char comma[] = ", ";

            add(text, comma);
        }
        add(text, features[i].name);
    }
    return missing > 0;
}

/* ---- The property ---------------------------------------------------------------------------- */

/* Of one note's descriptor: properties of a type, a size and as many bytes, each padded to 8. */
static uint32_t needed_by_properties(const unsigned char *at, uint64_t bytes)
{
    const uint64_t head = 2 * sizeof(uint32_t);

    while (bytes >= head) {
        const uint32_t *words = (const uint32_t *)at;
        uint64_t size = head + (((uint64_t)words[1] + 7) & ~(uint64_t)7);

        if (size > bytes)
            break;
        if (words[0] == PROPERTY_ISA_1_NEEDED && words[1] == sizeof(uint32_t))
            return words[2];
        at += size;
        bytes -= size;
    }
    return 0;
}

/* Of a segment with one note, the linker's (notes of properties are merged), aligned to 8. */
static uint32_t needed_by_note(const unsigned char *at, uint64_t bytes)
{
    const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
    const uint64_t head = sizeof *note + sizeof "GNU";

    if (bytes < head || note->n_namesz != sizeof "GNU" || note->n_type != NOTE_GNU_PROPERTIES ||
        note->n_descsz > bytes - head)
        return 0;
    return needed_by_properties(at + head, note->n_descsz);
}

/* What the program says that it needs; 0 when it says nothing. @bias: what was added to the
 * addresses of the file. */
static uint32_t needed_by(const Elf64_Ehdr *program, uint64_t bias)
{
    const Elf64_Phdr *segment =
        (const Elf64_Phdr *)((const unsigned char *)program + program->e_phoff);

    for (unsigned i = 0; i < program->e_phnum; i++)
        if (segment[i].p_type == SEGMENT_GNU_PROPERTY)
            return needed_by_note((const unsigned char *)(segment[i].p_vaddr + bias),
                                  segment[i].p_memsz);
    return 0;
}

/* ---- Here ------------------------------------------------------------------------------------ */

/* Where an ABORT's text comes in OUT; nothing else has been written there yet. */
static struct text text_of(const struct sconce_boot *boot)
{
    const uint64_t head = sizeof(struct sconce_frame) + sizeof(struct sconce_slot);

    return (struct text){(char *)(boot->out_addr + head),
                         (const char *)(boot->out_addr + boot->out_bytes)};
}

/* sconce_abort() is the library's, so its frame is made by hand. */
static _Noreturn void give_up(const struct sconce_boot *boot, const struct text *text)
{
    struct sconce_frame *frame = (struct sconce_frame *)boot->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);
    uint64_t used = (uintptr_t)text->at - boot->out_addr;

    *slot = (struct sconce_slot){
        .type = SCONCE_TYPE_STRING,
        .length = (uint32_t)(used - sizeof *frame - sizeof *slot),
        .value = sizeof *frame + sizeof *slot,
    };
    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_ABORT,
        .slot_count = 1,
        .code = 1,
        .used_bytes = used,
    };
    for (;;)
        sconce_doorbell(SCONCE_DOORBELL_ABORT);
}

#ifdef __x86_64__
struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static struct leaf cpuid(uint32_t number)
{
    struct leaf leaf = {.eax = number};

    __asm__ volatile("cpuid" : "+a"(leaf.eax), "=b"(leaf.ebx), "+c"(leaf.ecx), "=d"(leaf.edx));
    return leaf;
}

static void look(struct processor *ret_cpu)
{
    const uint32_t last = cpuid(0).eax, last_extended = cpuid(0x80000000).eax;
    uint32_t low = 0, high = 0;

    ret_cpu->words[LEAF_1_ECX] = cpuid(1).ecx;
    ret_cpu->words[LEAF_7_EBX] = last >= 7 ? cpuid(7).ebx : 0;
    ret_cpu->words[LEAF_80000001_ECX] = last_extended >= 0x80000001 ? cpuid(0x80000001).ecx : 0;
    if (ret_cpu->words[LEAF_1_ECX] >> 27 & 1) /* OSXSAVE */
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    leave_usable(ret_cpu, (uint64_t)high << 32 | low);
}

/** sconce_isa_check - come back when the program can run on this processor. */
__attribute__((visibility("hidden"))) void sconce_isa_check(const struct sconce_boot *boot)
{
    const uint32_t needed = needed_by(&__ehdr_start, boot->image_base);
    struct text text = text_of(boot);
    struct processor cpu;

    if (needed >> LEVEL_OLDEST == 0)
        return;
    look(&cpu);
    if (lacks(&cpu, needed, &text))
        give_up(boot, &text);
}
#endif
