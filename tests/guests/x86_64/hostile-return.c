/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by returning from signals that never were: rt_sigreturn, which the stub must be allowed,
 * takes a frame of the guest's making. By it a guest can set what it has no other way to: its
 * signal mask and its alternate stack, selectors, and the area of XRSTOR. See hostile.c for what
 * holds for all of them.
 */
#include <stddef.h>
#include <string.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "plugins/process-x86_64/control.h"
#include "plugins/process-x86_64/frame.h"
#include "tests/guests/hostile.h"

#define XSAVE_MXCSR 24 /* SDM vol 1 13.4.1; the header is at 512 */
#define XSAVE_HEADER 512

/* One that the kernel wrote, and then what makes it a forgery. */
static union {
    struct process_x86_frame frame;
    unsigned char bytes[SCONCE_ALTSTACK_BYTES];
} forgery __attribute__((aligned(64), used));
static uint64_t return_site __attribute__((used));

static struct {
    uint32_t field;
    uint64_t value;
} change;

static unsigned char *area;

/* The last true frame, whose area of floating-point registers is somewhere behind it. */
void hostile_take_frame(void)
{
    const uint64_t frame = hostile_frame();
    const uint64_t fpstate = ((const struct process_x86_frame *)frame)->fpstate;

    memcpy(&forgery, (const void *)frame, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - frame);
    /* XRSTOR wants 64 bytes' alignment, which the frame itself has not. */
    area = forgery.bytes + ((fpstate - frame + 63) & ~63ul);
    memmove(area, forgery.bytes + (fpstate - frame),
            SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - fpstate);
    forgery.frame.fpstate = (uintptr_t)area;
    return_site = hostile_site(SITE_RETURN);
}

static void put(unsigned char *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

static void change_area(uint32_t field, uint64_t value)
{
    struct process_x86_software software;

    memcpy(&software, area + PROCESS_X86_SOFTWARE_OFFSET, sizeof software);
    switch (field) {
    case FIELD_MAGIC1:
        software.magic1 = (uint32_t)value;
        break;
    case FIELD_EXTENDED_BYTES:
        software.extended_bytes = (uint32_t)value;
        break;
    case FIELD_FEATURES:
        software.features = value;
        break;
    case FIELD_XSTATE_BYTES:
        software.xstate_bytes = (uint32_t)value;
        break;
    case FIELD_MAGIC2:
        put(area + software.xstate_bytes, value, 4);
        break;
    case FIELD_MXCSR:
        put(area + XSAVE_MXCSR, value, 4);
        break;
    case FIELD_XSTATE_BV:
        put(area + XSAVE_HEADER, value, 8);
        break;
    case FIELD_XCOMP_BV:
        put(area + XSAVE_HEADER + 8, value, 8);
        break;
    case FIELD_XSAVE_RESERVED:
        put(area + XSAVE_HEADER + 16, value, 8);
        break;
    default: /* FIELD_COMPONENTS */
        memset(area + XSAVE_HEADER + 64, (int)value, software.xstate_bytes - XSAVE_HEADER - 64);
        put(area + XSAVE_HEADER, software.features, 8);
        break;
    }
    memcpy(area + PROCESS_X86_SOFTWARE_OFFSET, &software, sizeof software);
}

static void apply_change(void) __attribute__((used));
static void apply_change(void)
{
    struct process_x86_frame *frame = &forgery.frame;
    const struct {
        void *at;
        size_t bytes;
    } fields[] = {
        [FIELD_MASK] = {&frame->mask, 8},      [FIELD_RIP] = {&frame->rip, 8},
        [FIELD_RSP] = {&frame->rsp, 8},        [FIELD_CS] = {&frame->cs, 2},
        [FIELD_SS] = {&frame->ss, 2},          [FIELD_RFLAGS] = {&frame->rflags, 8},
        [FIELD_UC_FLAGS] = {&frame->flags, 8}, [FIELD_FPSTATE] = {&frame->fpstate, 8},
        [FIELD_LINK] = {&frame->link, 8},      [FIELD_FS] = {&frame->fs, 2},
        [FIELD_GS] = {&frame->gs, 2},          [FIELD_RESERVED] = {frame->reserved, 8},
    };

    if (change.field >= FIELD_MAGIC1)
        change_area(change.field, change.value);
    else if (change.field != FIELD_NONE)
        put(fields[change.field].at, change.value, fields[change.field].bytes);
}

/* Into this function's caller when all is well with the forgery. */
__attribute__((noinline)) static void do_return(void)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, forgery+%c[rip](%%rip)\n\t"
                     "movq %%rsp, forgery+%c[rsp](%%rip)\n\t"
                     "movq %%rbp, forgery+%c[rbp](%%rip)\n\t"
                     "movq %%rbx, forgery+%c[rbx](%%rip)\n\t"
                     "andq $-16, %%rsp\n\tcall apply_change\n\t"
                     "leaq forgery(%%rip), %%rsp\n\tmovl $15, %%eax\n\t"
                     "jmp *return_site(%%rip)\n1:"
                     :
                     : [rip] "i"(offsetof(struct process_x86_frame, rip)),
                       [rsp] "i"(offsetof(struct process_x86_frame, rsp)),
                       [rbp] "i"(offsetof(struct process_x86_frame, rbp)),
                       [rbx] "i"(offsetof(struct process_x86_frame, rbx))
                     : "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                       "r12", "r13", "r14", "r15");
}

uint64_t *hostile_altstack(void)
{
    return forgery.frame.altstack;
}

void hostile_return(uint32_t field, uint64_t value)
{
    change.field = field;
    change.value = value;
    do_return();
}

/* Takes a frame for the forged mask @mask, and then reports for ever that nothing happened, so that
 * kicks find it in the kernel, waiting for the host: LIMIT (deadline), KICKED. @anew as for
 * report_forever(). */
SCONCE_EXPORT(void, forged_reports, (uint64_t mask, bool anew))
{
    HOSTILE_BEGIN();
    for (;;) {
        struct process_x86_frame *frame = (struct process_x86_frame *)hostile_frame();

        hostile_take_frame();
        hostile_return(FIELD_MASK, mask);
        frame->code = -6; /* sent by tkill(2) */
        if (anew)
            hostile_forget();
        __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %c[rip](%[frame])\n\t"
                         "movq %%rsp, %c[rsp](%[frame])\n\tmovq %%rbp, %c[rbp](%[frame])\n\t"
                         "movq %%rbx, %c[rbx](%[frame])\n\t"
                         "movl $10, %%edi\n\tmovl $24, %%eax\n\tjmp *%[site]\n1:"
                         : [frame] "+S"(frame)
                         : [site] "b"(hostile_site(SITE_REPORT)),
                           [rip] "i"(offsetof(struct process_x86_frame, rip)),
                           [rsp] "i"(offsetof(struct process_x86_frame, rsp)),
                           [rbp] "i"(offsetof(struct process_x86_frame, rbp)),
                           [rbx] "i"(offsetof(struct process_x86_frame, rbx))
                         : "memory", "cc", "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11",
                           "r12", "r13", "r14", "r15");
    }
}
