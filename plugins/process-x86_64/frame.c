/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a kernel's signal frame, and writing one. */
#include "plugins/process-x86_64/frame.h"

#include <string.h>

#include "arch/x86_64/regs.h"

#define MAGIC2_BYTES 4u /* behind the XSAVE area */

bool process_x86_shape(const uint8_t *frame, uint64_t at, uint64_t room,
                       struct process_x86_shape *ret_shape)
{
    struct process_x86_shape shape = {0};
    struct process_x86_software software;

    if (room < sizeof shape.pattern)
        return false;
    memcpy(&shape.pattern, frame, sizeof shape.pattern);
    shape.fpstate = shape.pattern.fpstate - at;
    if (shape.fpstate < sizeof shape.pattern || shape.fpstate > room ||
        room - shape.fpstate < SCONCE_X86_XSAVE_HEAD)
        return false;
    memcpy(&software, frame + shape.fpstate + PROCESS_X86_SOFTWARE_OFFSET, sizeof software);
    if (software.magic1 != PROCESS_X86_XSTATE_MAGIC1 ||
        software.xstate_bytes < SCONCE_X86_XSAVE_HEAD ||
        software.xstate_bytes > software.extended_bytes ||
        software.extended_bytes - software.xstate_bytes < MAGIC2_BYTES ||
        software.extended_bytes > room - shape.fpstate)
        return false;
    memcpy(shape.software, frame + shape.fpstate + PROCESS_X86_SOFTWARE_OFFSET,
           sizeof shape.software);
    shape.xstate_bytes = software.xstate_bytes;
    shape.bytes = shape.fpstate + software.extended_bytes;
    *ret_shape = shape;
    return true;
}

/* What the kernel looks for before it takes the area for more than FXSAVE's
 * (arch/x86/kernel/fpu/signal.c, check_xstate_in_sigframe). */
static void seal_area(const struct process_x86_shape *shape, uint8_t *area)
{
    const uint32_t magic2 = PROCESS_X86_XSTATE_MAGIC2;

    memcpy(area + PROCESS_X86_SOFTWARE_OFFSET, shape->software, sizeof shape->software);
    memcpy(area + shape->xstate_bytes, &magic2, sizeof magic2);
}

void process_x86_frame_init(const struct process_x86_shape *shape, uint8_t *frame)
{
    const struct sconce_x86_standard initial = {.rflags = SCONCE_X86_RFLAGS_INIT};
    struct process_x86_frame fresh = shape->pattern;

    process_x86_set_standard(&fresh, &initial);
    fresh.error = fresh.trapno = fresh.cr2 = 0;
    fresh.signal = fresh.info_errno = fresh.code = 0;
    fresh.call_address = 0;
    memset(frame, 0, shape->bytes);
    memcpy(frame, &fresh, sizeof fresh);
    sconce_x86_xsave_init(frame + shape->fpstate, shape->xstate_bytes);
    seal_area(shape, frame + shape->fpstate);
}

void process_x86_get_standard(const struct process_x86_frame *f,
                              struct sconce_x86_standard *ret_regs)
{
    *ret_regs = (struct sconce_x86_standard){
        f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp, f->rsp, f->r8,
        f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15, f->rip, f->rflags,
    };
}

void process_x86_set_standard(struct process_x86_frame *f, const struct sconce_x86_standard *regs)
{
    f->rax = regs->rax;
    f->rbx = regs->rbx;
    f->rcx = regs->rcx;
    f->rdx = regs->rdx;
    f->rsi = regs->rsi;
    f->rdi = regs->rdi;
    f->rbp = regs->rbp;
    f->rsp = regs->rsp;
    f->r8 = regs->r8;
    f->r9 = regs->r9;
    f->r10 = regs->r10;
    f->r11 = regs->r11;
    f->r12 = regs->r12;
    f->r13 = regs->r13;
    f->r14 = regs->r14;
    f->r15 = regs->r15;
    f->rip = regs->rip;
    f->rflags = regs->rflags;
}

bool process_x86_set_float(const struct process_x86_shape *shape,
                           const struct sconce_x86_xsave_layout *layout,
                           const struct sconce_x86_float *regs, void *area)
{
    if (!sconce_x86_xsave_pack(layout, regs, area, shape->xstate_bytes))
        return false;
    seal_area(shape, area);
    return true;
}
