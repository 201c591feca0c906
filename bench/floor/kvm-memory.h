/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory of kvm.c's guests holds: code, descriptors, page tables. Written, never run here.
 */
#ifndef SCONCE_BENCH_FLOOR_KVM_MEMORY_H
#define SCONCE_BENCH_FLOOR_KVM_MEMORY_H

#include <linux/kvm.h>

/*
 * Three pieces of memory, as kvm-x86_64 has them of a small guest with the default limits: code and
 * constants, which all guests share and none may write; data, stack, heap and call buffers; and the
 * supervisor's, descriptors and tables, which the guest cannot reach.
 */
#define FLOOR_PAGE 0x1000ul
#define FLOOR_IMAGE_GPA 0x400000ul
#define FLOOR_IMAGE_BYTES 0x30000ul
#define FLOOR_STATE_GPA (FLOOR_IMAGE_GPA + FLOOR_IMAGE_BYTES)
#define FLOOR_STATE_END 0x2200000ul
#define FLOOR_STATE_BYTES (FLOOR_STATE_END - FLOOR_STATE_GPA)
#define FLOOR_OWN_GPA 0xfff000000ul
#define FLOOR_OWN_BYTES (11 * FLOOR_PAGE)

/* The port of the guest's doorbell, which the TSS lets it write to. */
#define FLOOR_PORT 0x5c

/** floor_kvm_write_code - the guest's code, at the start of the image. */
void floor_kvm_write_code(void *image);

/** floor_kvm_touch - write to the pages of the state that a host writes to before a start. */
void floor_kvm_touch(void *state);

/** floor_kvm_set_start - the registers at a start: the guest touches its pages, then rings its
 * doorbell for ever. Without a page to touch (rcx, rdx) it does that at once. */
void floor_kvm_set_start(struct kvm_regs *regs);

/** floor_kvm_spin_address - where the guest computes for ever. */
unsigned long floor_kvm_spin_address(void);

/** floor_kvm_answer_address - where it answers by the word at RDI, until that says to leave; then
 * it rings its doorbell for ever. */
unsigned long floor_kvm_answer_address(void);

/** floor_kvm_write_own - descriptors and tables; @own is zero yet. */
void floor_kvm_write_own(void *own);

/** floor_kvm_enter_ring3 - @sregs as a vCPU's GET_SREGS gave them; then those of the guest. */
void floor_kvm_enter_ring3(struct kvm_sregs *sregs);

#endif
