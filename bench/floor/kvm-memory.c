/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm-memory.h"

#include <stdint.h>
#include <string.h>

#if !defined(__x86_64__)
#error "the guest is written for x86_64"
#endif

/* Copied to where the guest has it: position independent. */
__asm__(".pushsection .rodata.floor_kvm, \"a\", @progbits\n"
        "floor_kvm_code:\n"
        "1:  test %rcx, %rcx\n"
        "    jz 2f\n"
        "    mov (%rsi), %rdi\n"
        "    movb $1, (%rdi)\n"
        "    add $8, %rsi\n"
        "    dec %rcx\n"
        "    jmp 1b\n"
        "2:  test %rdx, %rdx\n"
        "    jz 3f\n"
        "    mov (%rbx), %al\n"
        "    add $4096, %rbx\n"
        "    dec %rdx\n"
        "    jmp 2b\n"
        "3:  out %al, $0x5c\n" /* FLOOR_PORT */
        "    jmp 3b\n"
        "floor_kvm_spin:\n"
        "    jmp floor_kvm_spin\n"
        "floor_kvm_answer:\n"
        "1:  mov (%rdi), %eax\n"
        "    cmp $1, %eax\n" /* FLOOR_WORD_ASK */
        "    je 2f\n"
        "    cmp $3, %eax\n" /* FLOOR_WORD_LEAVE */
        "    je 3f\n"
        "    pause\n"
        "    jmp 1b\n"
        "2:  movl $2, (%rdi)\n" /* FLOOR_WORD_ANSWERED */
        "    jmp 1b\n"
        "3:  out %al, $0x5c\n"
        "    jmp 3b\n"
        "floor_kvm_code_end:\n"
        ".popsection\n");

extern const char floor_kvm_code[], floor_kvm_spin[], floor_kvm_answer[], floor_kvm_code_end[];

/* Pages of the supervisor's memory. */
enum {
    DESCRIPTORS, /* GDT, and the TSS behind it */
    IDT,         /* all gates absent: an exception ends the guest */
    HANDLERS,
    STACKS,
    PML4,
    PDPT,
    PD_LOW,
    PT_LOW, /* FLOOR_IMAGE_GPA and the next 2 MiB */
    PD_HIGH,
    PT_HIGH, /* FLOOR_OWN_GPA */
};

#define TSS_OFFSET 0x100u
#define TSS_HEAD 104u  /* SDM vol 3A figure 8-11 */
#define TSS_BYTES 117u /* bitmap for ports 0 to 0x5f, closing byte */
#define TSS_IOMAP 102u
#define TSS_SELECTOR 0x40u
#define USER_CS 0x33u
#define USER_SS 0x2bu

#define PRESENT 0x1ull
#define WRITE 0x2ull
#define USER 0x4ull
#define LARGE 0x80ull
#define TABLE (PRESENT | WRITE | USER | 0x20ull)
#define SET 0x60ull /* accessed and dirty: nobody has to write that later */
#define NX (1ull << 63)
#define LARGE_BYTES 0x200000ul

/*
 * What a start touches, as it is in a sandbox of the null guest on kvm-x86_64 (bench/README.md has
 * how to look): pages of the state, of which the host writes the first before the guest runs, and
 * pages of the image. They lie as far apart as there, since each 2 MiB want a page table of KVM's.
 */
#define HOST_PAGES 3u
#define IMAGE_PAGES 5u
static const uint64_t touched[] = {
    FLOOR_STATE_GPA,             /* data */
    FLOOR_STATE_GPA + 0x1d0000,  /* the call's buffer */
    FLOOR_STATE_GPA + 0x1dcf000, /* boot page */
    FLOOR_STATE_GPA + 0x1000,
    FLOOR_STATE_GPA + 0x2000,
    FLOOR_STATE_GPA + 0x110000,
    FLOOR_STATE_GPA + 0x5d0000,
    FLOOR_STATE_GPA + 0xbcf000,
    FLOOR_STATE_GPA + 0xdd0000,
};
#define LIST_OFFSET 0x100u /* of it in the image, behind the code */

static size_t offset_of(const char *place)
{
    return (uintptr_t)place - (uintptr_t)floor_kvm_code;
}

void floor_kvm_write_code(void *image)
{
    memcpy(image, floor_kvm_code, offset_of(floor_kvm_code_end));
    memcpy((char *)image + LIST_OFFSET, touched, sizeof touched);
}

void floor_kvm_touch(void *state)
{
    for (unsigned i = 0; i < HOST_PAGES; i++)
        ((volatile char *)state)[touched[i] - FLOOR_STATE_GPA] = 1;
}

void floor_kvm_set_start(struct kvm_regs *regs)
{
    *regs = (struct kvm_regs){.rip = FLOOR_IMAGE_GPA,
                              .rflags = 2,
                              .rsi = FLOOR_IMAGE_GPA + LIST_OFFSET,
                              .rcx = sizeof touched / sizeof *touched,
                              .rbx = FLOOR_IMAGE_GPA,
                              .rdx = IMAGE_PAGES};
}

unsigned long floor_kvm_spin_address(void)
{
    return FLOOR_IMAGE_GPA + offset_of(floor_kvm_spin);
}

unsigned long floor_kvm_answer_address(void)
{
    return FLOOR_IMAGE_GPA + offset_of(floor_kvm_answer);
}

static uint64_t *table(void *own, unsigned page)
{
    return (uint64_t *)(void *)((char *)own + page * FLOOR_PAGE);
}

static uint64_t gpa_of(unsigned page)
{
    return FLOOR_OWN_GPA + page * FLOOR_PAGE;
}

static unsigned index_at(uint64_t gpa, unsigned shift)
{
    return (unsigned)(gpa >> shift) & 511;
}

static void write_tables(void *own)
{
    table(own, PML4)[0] = gpa_of(PDPT) | TABLE;
    table(own, PDPT)[0] = gpa_of(PD_LOW) | TABLE;
    table(own, PDPT)[index_at(FLOOR_OWN_GPA, 30)] = gpa_of(PD_HIGH) | TABLE;
    table(own, PD_LOW)[index_at(FLOOR_IMAGE_GPA, 21)] = gpa_of(PT_LOW) | TABLE;
    table(own, PD_HIGH)[index_at(FLOOR_OWN_GPA, 21)] = gpa_of(PT_HIGH) | TABLE;
    for (uint64_t gpa = FLOOR_IMAGE_GPA; gpa < FLOOR_IMAGE_GPA + LARGE_BYTES; gpa += FLOOR_PAGE)
        table(own, PT_LOW)[index_at(gpa, 12)] =
            gpa | PRESENT | USER | SET | (gpa < FLOOR_STATE_GPA ? 0 : WRITE | NX);
    for (uint64_t gpa = FLOOR_IMAGE_GPA + LARGE_BYTES; gpa < FLOOR_STATE_END; gpa += LARGE_BYTES)
        table(own, PD_LOW)[index_at(gpa, 21)] = gpa | PRESENT | USER | SET | WRITE | NX | LARGE;
    for (unsigned page = DESCRIPTORS; page <= STACKS; page++)
        table(own, PT_HIGH)[page] = gpa_of(page) | PRESENT | SET | (page == STACKS ? WRITE : 0);
}

static void write_descriptors(uint8_t *at)
{
    const uint64_t tss = FLOOR_OWN_GPA + TSS_OFFSET;
    uint64_t *gdt = (uint64_t *)(void *)at;
    uint8_t *bitmap = at + TSS_OFFSET + TSS_HEAD;

    gdt[2] = 0x00af9b000000ffffull; /* supervisor's code and data, SDM vol 3A figure 3-8 */
    gdt[3] = 0x00cf93000000ffffull;
    gdt[USER_SS / 8] = 0x00cff3000000ffffull;
    gdt[USER_CS / 8] = 0x00affb000000ffffull;
    gdt[TSS_SELECTOR / 8] =
        (TSS_BYTES - 1) | (tss & 0xffffff) << 16 | 0x8bull << 40 | (tss >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = tss >> 32;
    at[TSS_OFFSET + TSS_IOMAP] = TSS_HEAD;
    memset(bitmap, 0xff, TSS_BYTES - TSS_HEAD); /* a set bit denies */
    bitmap[FLOOR_PORT / 8] = (uint8_t) ~(1u << FLOOR_PORT % 8);
}

void floor_kvm_write_own(void *own)
{
    write_descriptors(own);
    memset((char *)own + HANDLERS * FLOOR_PAGE, 0xcc, FLOOR_PAGE);
    write_tables(own);
}

static struct kvm_segment user_segment(unsigned selector, unsigned type, unsigned l)
{
    return (struct kvm_segment){.limit = ~0u,
                                .selector = (__u16)selector,
                                .type = (__u8)type,
                                .present = 1,
                                .dpl = 3,
                                .db = (__u8)!l,
                                .s = 1,
                                .l = (__u8)l,
                                .g = 1};
}

void floor_kvm_enter_ring3(struct kvm_sregs *sregs)
{
    const struct kvm_segment null = {.unusable = 1};

    sregs->cs = user_segment(USER_CS, 11, 1);
    sregs->ss = user_segment(USER_SS, 3, 0);
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ldt = null;
    sregs->tr = (struct kvm_segment){.base = FLOOR_OWN_GPA + TSS_OFFSET,
                                     .limit = TSS_BYTES - 1,
                                     .selector = TSS_SELECTOR,
                                     .type = 11, /* busy */
                                     .present = 1};
    sregs->gdt = (struct kvm_dtable){.base = FLOOR_OWN_GPA, .limit = 79};
    sregs->idt = (struct kvm_dtable){.base = gpa_of(IDT), .limit = FLOOR_PAGE - 1};
    sregs->cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
    sregs->cr3 = gpa_of(PML4);
    sregs->cr4 = 0x620;  /* PAE OSFXSR OSXMMEXCPT */
    sregs->efer = 0xd00; /* LME LMA NXE */
}
