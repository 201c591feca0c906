/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by returning from signals that never were: rt_sigreturn, which the stub must be allowed,
 * takes a frame of the guest's making. By it a guest can set what it has no other way to: its
 * signal mask and its alternate stack, and records of state that its processor may not have. See
 * ../hostile.c for what holds for all of them.
 */
#include <stddef.h>
#include <string.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "plugins/process-aarch64/control.h"
#include "plugins/process-aarch64/frame.h"
#include "tests/guests/hostile.h"

/* One that the kernel wrote, and then what makes it a forgery. */
static union {
    struct process_a64_frame frame;
    unsigned char bytes[SCONCE_ALTSTACK_BYTES];
} forgery __attribute__((aligned(64), used));
static uint64_t return_site __attribute__((used));
static uint64_t return_sp __attribute__((used)); /* of the forgery */

static struct {
    uint32_t field;
    uint64_t value;
} change;

static unsigned char *const records = forgery.bytes + sizeof forgery.frame;

/* The last true frame. */
void hostile_take_frame(void)
{
    const uint64_t frame = hostile_frame();

    memcpy(&forgery, (const void *)frame, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES - frame);
    return_site = hostile_site(SITE_RETURN);
    return_sp = (uintptr_t)&forgery;
}

static void put(unsigned char *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

/* The record behind the SIMD registers', and no more behind that. */
static void put_next(uint32_t magic, uint32_t size, uint64_t value)
{
    unsigned char *at = records + sizeof(struct process_a64_simd);

    put(at, magic, 4);
    put(at + 4, size, 4);
    put(at + 8, value, 8);
    memset(at + 16, 0, 64);
}

static void change_records(uint32_t field, uint64_t value)
{
    switch (field) {
    case FIELD_SIMD_MAGIC:
        put(records, value, 4);
        break;
    case FIELD_SIMD_BYTES:
        put(records + 4, value, 4);
        break;
    case FIELD_FPSR:
        put(records + offsetof(struct process_a64_simd, fpsr), value, 4);
        break;
    case FIELD_FPCR:
        put(records + offsetof(struct process_a64_simd, fpcr), value, 4);
        break;
    case FIELD_VECTORS:
        memset(records + offsetof(struct process_a64_simd, v), (int)value, 32 * 16);
        break;
    case FIELD_NEXT_MAGIC:
        put_next((uint32_t)value, 16, 0);
        break;
    case FIELD_NEXT_BYTES:
        put_next(HOSTILE_SVE_MAGIC, (uint32_t)value, 0);
        break;
    case FIELD_NEXT_VECTOR:
        put_next(HOSTILE_SVE_MAGIC, 16, value);
        break;
    case FIELD_NEXT_EXTRA:
        /* struct extra_context: where, and in the next eight bytes how many. */
        put_next(HOSTILE_EXTRA_MAGIC, 32, value);
        put(records + sizeof(struct process_a64_simd) + 16, 4096, 4);
        break;
    default: /* FIELD_RECORDS */
        memset(records, (int)value, PROCESS_A64_RECORDS_BYTES);
        break;
    }
}

static void apply_change(void) __attribute__((used));
static void apply_change(void)
{
    struct process_a64_frame *frame = &forgery.frame;
    uint64_t *const fields[] = {
        [FIELD_MASK] = &frame->mask,
        [FIELD_PC] = &frame->pc,
        [FIELD_SP] = &frame->sp,
        [FIELD_PSTATE] = &frame->pstate,
        [FIELD_UC_FLAGS] = &frame->flags,
        [FIELD_LINK] = &frame->link,
        [FIELD_FAULT_ADDRESS] = &frame->fault_address,
    };

    if (change.field >= FIELD_SIMD_MAGIC) {
        change_records(change.field, change.value);
    } else if (change.field == FIELD_FRAME_AT) {
        memmove(forgery.bytes + change.value, forgery.bytes, PROCESS_A64_FRAME_BYTES);
        return_sp += change.value;
    } else if (change.field != FIELD_NONE) {
        *fields[change.field] = change.value;
    }
}

/* Stores to [x16]: where and how the guest goes on from a frame. */
#define STORE_RESUME                                                                               \
    "adr x17, 1f\n\tstr x17, [x16, %[pc]]\n\tmov x17, sp\n\tstr x17, [x16, %[sp]]\n\t"             \
    "str x29, [x16, %[x29]]\n\tstr x19, [x16, %[x19]]\n\t"
#define RESUME_OFFSETS                                                                             \
    [pc] "i"(offsetof(struct process_a64_frame, pc)),                                              \
        [sp] "i"(offsetof(struct process_a64_frame, sp)),                                          \
        [x29] "i"(offsetof(struct process_a64_frame, x) + 29 * 8),                                 \
        [x19] "i"(offsetof(struct process_a64_frame, x) + 19 * 8)
#define RESUME_CLOBBERS                                                                            \
    "memory", "cc", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",      \
        "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", \
        "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",    \
        "v11", "v12", "v13", "v14", "v15"

/* Into this function's caller when all is well with the forgery. */
__attribute__((noinline)) static void do_return(void)
{
    __asm__ volatile("adrp x16, forgery\n\tadd x16, x16, :lo12:forgery\n\t" STORE_RESUME
                     "bl apply_change\n\t"
                     "adrp x16, return_sp\n\tldr x17, [x16, :lo12:return_sp]\n\tmov sp, x17\n\t"
                     "adrp x16, return_site\n\tldr x17, [x16, :lo12:return_site]\n\t"
                     "mov x8, #139\n\tbr x17\n1:"
                     :
                     : RESUME_OFFSETS
                     : RESUME_CLOBBERS);
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
        struct process_a64_frame *frame = (struct process_a64_frame *)hostile_frame();

        hostile_take_frame();
        hostile_return(FIELD_MASK, mask);
        frame->code = -6; /* sent by tkill(2) */
        if (anew)
            hostile_forget();
        __asm__ volatile("mov x16, %[frame]\n\t" STORE_RESUME
                         "mov x0, #10\n\tmov x1, x16\n\tmov x8, #124\n\tmov x17, %[site]\n\t"
                         "br x17\n1:"
                         :
                         : [frame] "r"(frame), [site] "r"(hostile_site(SITE_REPORT)), RESUME_OFFSETS
                         : RESUME_CLOBBERS);
    }
}
