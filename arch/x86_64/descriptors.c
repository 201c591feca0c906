/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of GDT, TSS and IDT. */
#include "arch/x86_64/descriptors.h"

#include <string.h>

#include "sconce-guest-abi.h"

/* Code and data segments (SDM vol 3A 3.4.5, figure 3-8). Accessed is preset: the tables are mapped
 * read-only and the processor has nothing to write. */
#define GDT_KERNEL_CODE 0x00af9b000000ffffull
#define GDT_KERNEL_DATA 0x00cf93000000ffffull
#define GDT_USER_DATA 0x00cff3000000ffffull
#define GDT_USER_CODE 0x00affb000000ffffull

/* 64-bit TSS (SDM vol 3A 8.7, figure 8-11): offsets in bytes. */
#define TSS_RSP0 4u
#define TSS_IST1 36u
#define TSS_IOMAP 102u
#define TSS_HEAD 104u

/* Gates (SDM vol 3A 6.14.1, figure 6-8). An interrupt gate clears IF, as TF and NT are anyway. */
#define GATE_INTERRUPT 0x8eu
#define GATE_DPL3 0x60u

#define VECTOR_DB 1u
#define VECTOR_NMI 2u
#define VECTOR_BP 3u
#define VECTOR_DF 8u
#define VECTOR_MC 18u

static void put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

unsigned sconce_x86_ist_of(uint8_t vector)
{
    switch (vector) {
    case VECTOR_DB:
        return SCONCE_X86_IST_DEBUG;
    case VECTOR_NMI:
        return SCONCE_X86_IST_NMI;
    case VECTOR_DF:
        return SCONCE_X86_IST_DOUBLE_FAULT;
    case VECTOR_MC:
        return SCONCE_X86_IST_MACHINE_CHECK;
    default:
        return SCONCE_X86_IST_COMMON;
    }
}

void sconce_x86_gdt_build(void *gdt, uint64_t tss_address)
{
    uint8_t *at = gdt;
    uint64_t base = tss_address;
    uint64_t limit = SCONCE_X86_TSS_BYTES - 1;

    memset(gdt, 0, SCONCE_X86_GDT_BYTES);
    put_le(at + SCONCE_X86_KERNEL_CS, GDT_KERNEL_CODE, 8);
    put_le(at + SCONCE_X86_KERNEL_SS, GDT_KERNEL_DATA, 8);
    put_le(at + (SCONCE_X86_USER_SS & ~7u), GDT_USER_DATA, 8);
    put_le(at + (SCONCE_X86_USER_CS & ~7u), GDT_USER_CODE, 8);
    /* 16 bytes: SDM vol 3A 8.2.3, figure 8-4. */
    put_le(at + SCONCE_X86_TSS,
           limit | (base & 0xffffff) << 16 | (uint64_t)SCONCE_X86_AR_TSS_BUSY << 40 |
               (base >> 24 & 0xff) << 56,
           8);
    put_le(at + SCONCE_X86_TSS + 8, base >> 32, 8);
}

void sconce_x86_tss_build(void *tss, const uint64_t stack_tops[SCONCE_X86_IST_COUNT])
{
    uint8_t *at = tss;

    memset(tss, 0, TSS_HEAD);
    put_le(at + TSS_RSP0, stack_tops[0], 8);
    for (unsigned i = 0; i < SCONCE_X86_IST_COUNT; i++)
        put_le(at + TSS_IST1 + 8 * i, stack_tops[i], 8);
    put_le(at + TSS_IOMAP, TSS_HEAD, 2);

    /* A set bit denies. The last byte is all ones, as the processor reads two bytes at a time. */
    memset(at + TSS_HEAD, 0xff, SCONCE_X86_TSS_BYTES - TSS_HEAD);
    at[TSS_HEAD + SCONCE_DOORBELL_PORT_X86_64 / 8] =
        (uint8_t) ~(1u << (SCONCE_DOORBELL_PORT_X86_64 % 8));
}
_Static_assert(TSS_HEAD + SCONCE_DOORBELL_PORT_X86_64 / 8 + 2 == SCONCE_X86_TSS_BYTES,
               "the bitmap ends behind the doorbell's byte");

void sconce_x86_idt_build(void *idt, uint64_t handlers, uint32_t stride)
{
    uint8_t *at = idt;

    memset(idt, 0, SCONCE_X86_IDT_BYTES);
    for (unsigned vector = 0; vector < SCONCE_X86_VECTORS; vector++, at += 16) {
        uint64_t handler = handlers + (uint64_t)vector * stride;

        put_le(at, handler, 2);
        put_le(at + 2, SCONCE_X86_KERNEL_CS, 2);
        at[4] = (uint8_t)sconce_x86_ist_of((uint8_t)vector);
        at[5] = (uint8_t)(GATE_INTERRUPT | (vector == VECTOR_BP ? GATE_DPL3 : 0));
        put_le(at + 6, handler >> 16, 2);
        put_le(at + 8, handler >> 32, 4);
    }
}
