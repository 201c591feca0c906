/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame of x86_64 Linux from its ucontext on, as far as it is looked at: struct
 * ucontext, struct sigcontext_64 and struct siginfo of the kernel's headers (asm/ucontext.h,
 * asm/sigcontext.h, asm-generic/siginfo.h), which a file with the C library's cannot include. Pure.
 *
 * It lies in memory that a guest can write. It is copied whole, and the copy is used.
 */
#ifndef SCONCE_PROCESS_X86_64_FRAME_H
#define SCONCE_PROCESS_X86_64_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/x86_64/xsave.h"
#include "sconce-regs-x86_64.h"

struct process_x86_frame {
    uint64_t flags;
    uint64_t link;
    uint64_t altstack[3];
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trapno, old_mask, cr2;
    uint64_t fpstate; /* address of the XSAVE area */
    uint64_t reserved[8];
    uint64_t mask;
    /* struct siginfo */
    int32_t signal, info_errno, code, pad;
    uint64_t call_address; /* SIGSYS: behind the instruction; this and the next two */
    uint32_t call_number, call_arch;
};

_Static_assert(offsetof(struct process_x86_frame, r8) == 40, "struct sigcontext_64 begins here");
_Static_assert(offsetof(struct process_x86_frame, cs) == 184, "sigcontext_64.cs");
_Static_assert(offsetof(struct process_x86_frame, fpstate) == 224, "sigcontext_64.fpstate");
_Static_assert(offsetof(struct process_x86_frame, mask) == 296, "ucontext.uc_sigmask");
_Static_assert(offsetof(struct process_x86_frame, signal) == 304, "rt_sigframe.info");
_Static_assert(offsetof(struct process_x86_frame, call_arch) == 332, "siginfo._sigsys._arch");

/* How the kernel marks the area behind fpstate: struct _fpx_sw_bytes in the 48 bytes that FXSAVE
 * leaves to software, and a second magic number behind the area. */
#define PROCESS_X86_XSTATE_MAGIC1 0x46505853u
#define PROCESS_X86_XSTATE_MAGIC2 0x46505845u
#define PROCESS_X86_SOFTWARE_OFFSET 464u

struct process_x86_software {
    uint32_t magic1;
    uint32_t extended_bytes; /* of the area, with what is behind it */
    uint64_t features;
    uint32_t xstate_bytes;
};

/* Where things are in a frame of this kernel; taken from one that no guest has touched. */
struct process_x86_shape {
    uint64_t bytes;   /* of the frame up to the end of fpstate */
    uint64_t fpstate; /* offset of the XSAVE area from the ucontext */
    uint32_t xstate_bytes;
    uint8_t software[48]; /* struct _fpx_sw_bytes */
    struct process_x86_frame pattern;
};

/**
 * process_x86_shape - what @frame, which lies at @at in the child and has @room bytes up to the end
 * of the alternate stack, tells of all frames. Returns false when it is of no known form.
 */
bool process_x86_shape(const uint8_t *frame, uint64_t at, uint64_t room,
                       struct process_x86_shape *ret_shape);

/** process_x86_frame_init - write a frame that starts a guest with every register at its initial
 * value: flags, vector registers, signal mask. @frame: shape->bytes. */
void process_x86_frame_init(const struct process_x86_shape *shape, uint8_t *frame);

/* Between the frame and the register file. */
void process_x86_get_standard(const struct process_x86_frame *frame,
                              struct sconce_x86_standard *ret_regs);
void process_x86_set_standard(struct process_x86_frame *frame,
                              const struct sconce_x86_standard *regs);
/* The XSAVE area of a frame; else as sconce_x86_xsave_pack. */
bool process_x86_set_float(const struct process_x86_shape *shape,
                           const struct sconce_x86_xsave_layout *layout,
                           const struct sconce_x86_float *regs, void *area);

#endif
