/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame of aarch64 Linux, struct rt_sigframe of arch/arm64/kernel/signal.c, as far as it
 * is looked at: struct siginfo, struct ucontext and struct sigcontext of the kernel's headers
 * (asm-generic/siginfo.h, asm/ucontext.h, asm/sigcontext.h), which a file with the C library's
 * cannot include. Pure.
 *
 * Behind what every frame has come records, each with a magic number and its size: the SIMD
 * registers, the syndrome of a fault, and what newer processors have. The kernel takes a frame back
 * that has none but the SIMD registers'; state of which there is no record is then dropped (SVE:
 * restore_fpsimd_context) or left alone.
 *
 * All of it lies in memory that a guest can write. It is copied, and the copy is used.
 */
#ifndef SCONCE_PROCESS_AARCH64_FRAME_H
#define SCONCE_PROCESS_AARCH64_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-regs-aarch64.h"

struct process_a64_frame {
    /* struct siginfo */
    int32_t signal, info_errno, code, pad0;
    uint64_t address; /* of a fault; SIGSYS: behind the instruction, and the next two */
    uint32_t call_number, call_arch;
    uint64_t info_rest[12];
    /* struct ucontext */
    uint64_t flags;
    uint64_t link;
    uint64_t altstack[3];
    uint64_t mask;
    uint64_t mask_rest[15];
    uint64_t pad1;
    /* struct sigcontext */
    uint64_t fault_address;
    uint64_t x[31];
    uint64_t sp, pc, pstate;
    uint64_t pad2;
};

#define PROCESS_A64_RECORDS_BYTES 4096u
/* All that is written; where the kernel writes more, it is behind. */
#define PROCESS_A64_FRAME_BYTES (sizeof(struct process_a64_frame) + PROCESS_A64_RECORDS_BYTES)

_Static_assert(offsetof(struct process_a64_frame, flags) == 128, "rt_sigframe.uc");
_Static_assert(offsetof(struct process_a64_frame, mask) == 168, "ucontext.uc_sigmask");
_Static_assert(offsetof(struct process_a64_frame, fault_address) == 304, "ucontext.uc_mcontext");
_Static_assert(offsetof(struct process_a64_frame, sp) == 560, "sigcontext.sp");
_Static_assert(sizeof(struct process_a64_frame) == 592, "sigcontext.__reserved");

/* asm/sigcontext.h */
#define PROCESS_A64_FPSIMD_MAGIC 0x46508001u
#define PROCESS_A64_ESR_MAGIC 0x45535201u
#define PROCESS_A64_GCS_MAGIC 0x47435300u

struct process_a64_record {
    uint32_t magic; /* 0 ends them */
    uint32_t bytes; /* with this head; a multiple of 16 */
};

struct process_a64_simd {
    struct process_a64_record head;
    uint32_t fpsr, fpcr;
    uint8_t v[32][16];
};

struct process_a64_syndrome {
    struct process_a64_record head;
    uint64_t esr;
};

/* The shadow stack (FEAT_GCS): EL0 can read its pointer, whether there is one or not. */
struct process_a64_gcs {
    struct process_a64_record head;
    uint64_t gcspr;
    uint64_t features_enabled; /* PR_SHADOW_STACK_* */
    uint64_t reserved0;
};

_Static_assert(sizeof(struct process_a64_simd) == 528, "struct fpsimd_context");
_Static_assert(sizeof(struct process_a64_syndrome) == 16, "struct esr_context");
_Static_assert(sizeof(struct process_a64_gcs) == 32, "struct gcs_context");

/**
 * process_a64_find - a copy of the first record of that @magic.
 * @records: PROCESS_A64_RECORDS_BYTES, not to be trusted. @record: @bytes, as many as records of
 *   that kind have.
 * Returns false, with @record as it was, when there is none in front of the end or of what makes
 * no sense. Records elsewhere (EXTRA_MAGIC) are not looked for: none that is asked for is there.
 */
bool process_a64_find(const uint8_t *records, uint32_t magic, void *record, size_t bytes);

/**
 * process_a64_is_known - is @frame, with @room bytes up to the end of the alternate stack, of the
 * form that this file knows?
 */
bool process_a64_is_known(const uint8_t *frame, uint64_t room);

/**
 * process_a64_frame_init - write a frame that starts a guest with every register at its initial
 * value.
 * @old: one of the kernel's own, whose signal mask and alternate stack are kept; @frame may be
 * where it came from. @gcs: shadow stacks are known to the kernel, which takes a record of theirs
 * for wrong elsewhere. @frame: @room bytes, all of which are written.
 */
void process_a64_frame_init(const struct process_a64_frame *old, bool gcs, uint8_t *frame,
                            uint64_t room);

/* Between the frame and the register file. */
void process_a64_get_standard(const struct process_a64_frame *frame,
                              struct sconce_a64_standard *ret_regs);
void process_a64_set_standard(struct process_a64_frame *frame,
                              const struct sconce_a64_standard *regs);

/** process_a64_get_float - from the records of a frame. Returns false when they have none. */
bool process_a64_get_float(const uint8_t *records, struct sconce_a64_float *ret_regs);

/** process_a64_set_float - make these the only records, but for the shadow stack's, which stays
 * when there is one. Returns false, with nothing changed, when no guest could have such registers.
 */
bool process_a64_set_float(const struct sconce_a64_float *regs, uint8_t *records);

#endif
