/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor tables of a vCPU that runs one ring-3 guest: GDT, TSS with its I/O permission
 * bitmap, IDT. Each function writes bytes into memory that the caller gives.
 */
#ifndef SCONCE_ARCH_X86_64_DESCRIPTORS_H
#define SCONCE_ARCH_X86_64_DESCRIPTORS_H

#include <stdint.h>

/* Selectors. The places are Linux's, because KVM-PVM runs a guest on the host's selectors: a guest
 * that reads CS sees one value everywhere. There is no 32-bit code segment: no way to another mode.
 */
#define SCONCE_X86_KERNEL_CS 0x10u
#define SCONCE_X86_KERNEL_SS 0x18u
#define SCONCE_X86_USER_SS 0x2bu
#define SCONCE_X86_USER_CS 0x33u
#define SCONCE_X86_TSS 0x40u

#define SCONCE_X86_GDT_BYTES 80u  /* 8 entries and the TSS's double one */
#define SCONCE_X86_TSS_BYTES 117u /* 104, bitmap for ports 0 to 0x5f, closing byte */
#define SCONCE_X86_IDT_BYTES 4096u
#define SCONCE_X86_VECTORS 256u

/* A descriptor's access rights as Hyper-V and VMX hold them: type 3:0, S 4, DPL 6:5, P 7, L 13,
 * D/B 14, G 15 (SDM vol 3C table 25-2). */
#define SCONCE_X86_AR_USER_CODE 0xa0fbu /* 64-bit code, accessed, DPL 3 */
#define SCONCE_X86_AR_USER_DATA 0xc0f3u /* data, writable, accessed, DPL 3 */
#define SCONCE_X86_AR_TSS_BUSY 0x008bu  /* 64-bit TSS, busy: what LTR leaves (SDM vol 3A 8.2.2) */
#define SCONCE_X86_AR_TSS_AVAILABLE 0x0089u /* the same, not busy: no processor's TR has it */

/* Which stack a vector's handler gets. Those that can strike while another handler runs have their
 * own. Index into the TSS's IST (SDM vol 3A 6.14.5). */
#define SCONCE_X86_IST_COUNT 5u
#define SCONCE_X86_IST_COMMON 1u
#define SCONCE_X86_IST_DEBUG 2u
#define SCONCE_X86_IST_NMI 3u
#define SCONCE_X86_IST_DOUBLE_FAULT 4u
#define SCONCE_X86_IST_MACHINE_CHECK 5u

unsigned sconce_x86_ist_of(uint8_t vector);

/** sconce_x86_gdt_build - SCONCE_X86_GDT_BYTES; the TSS is at @tss_address. */
void sconce_x86_gdt_build(void *gdt, uint64_t tss_address);

/**
 * sconce_x86_tss_build - SCONCE_X86_TSS_BYTES.
 * @stack_tops: of IST 1 to SCONCE_X86_IST_COUNT, multiples of 16.
 * The bitmap allows ring 3 one byte-wide port, SCONCE_DOORBELL_PORT_X86_64; a port that the bitmap
 * does not reach is denied (SDM vol 1 19.5.2).
 */
void sconce_x86_tss_build(void *tss, const uint64_t stack_tops[SCONCE_X86_IST_COUNT]);

/**
 * sconce_x86_idt_build - SCONCE_X86_IDT_BYTES: an interrupt gate for every vector.
 * @handlers: vector n's handler is at @handlers + n * @stride.
 * Only #BP may be raised by an instruction of ring 3 (int3); other INT n are #GP.
 */
void sconce_x86_idt_build(void *idt, uint64_t handlers, uint32_t stride);

#endif
