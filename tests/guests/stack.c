/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack's end, and stack pointers that point nowhere: 0, 8, unmapped, reserved, non-canonical,
 * the kernel's half. @sp is put into the stack pointer, then something happens that leaves the
 * guest.
 */
#include <string.h>

#include <sconce/guest.h>

#include "machine.h"

static uint64_t kept_sp __attribute__((used));

#define WILD_SP MACHINE_WILD_SP(kept_sp)
#define TAME_SP MACHINE_TAME_SP(kept_sp)

/* The frame is used behind the call, so that no compiler makes a loop of it. */
__attribute__((noinline)) static uint64_t descend(uint64_t depth)
{
    uint64_t frame[32] = {depth}, below = 0;

    __asm__ volatile("" : : "r"(frame) : "memory");
    if (depth)
        below = descend(depth - 1) + 1;
    __asm__ volatile("" : : "r"(frame) : "memory");
    return below;
}

/* GUEST_FAULT: MEMORY, write, in the gap below the stack. */
SCONCE_EXPORT(void, overflow, (void))
{
    descend(UINT64_MAX);
}

/* Succeeds with @depth while the stack is deep enough (some 300 bytes each), else as overflow. */
SCONCE_EXPORT(uint64_t, recurse, (uint64_t depth))
{
    return descend(depth);
}

/* Succeeds: @sp is what the stack pointer holds after the doorbell; prints ".". */
SCONCE_EXPORT(uint64_t, doorbell_with_sp, (uint64_t sp))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);
    uint64_t seen;

    memset(frame, 0, sizeof *frame);
    frame->kind = SCONCE_FRAME_PRINT;
    frame->slot_count = 1;
    frame->used_bytes = sizeof *frame + sizeof *slot + 1;
    *slot = (struct sconce_slot){SCONCE_TYPE_STRING, 1, sizeof *frame + sizeof *slot};
    *(char *)(slot + 1) = '.';
    __asm__ volatile(WILD_SP MACHINE_BELL MACHINE_TAKE_SP TAME_SP
                     : [seen] "=r"(seen)
                     : [sp] "r"(sp), MACHINE_BELL_INPUTS(SCONCE_DOORBELL_PRINT)
                     : MACHINE_CLOBBERS);
    return seen;
}

/* Rings READY with a wild stack pointer, and goes on with a tame one: succeeds. */
SCONCE_EXPORT(void, ready_with_sp, (uint64_t sp))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);
    extern void sconce_resume_entry(void);

    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_RETURN,
        .slot_count = 1,
        .used_bytes = sizeof *frame + sizeof *slot,
        .resume_pc = (uintptr_t)sconce_resume_entry,
        .resume_sp = sconce_boot()->stack_top,
    };
    *slot = (struct sconce_slot){.type = SCONCE_TYPE_NONE};
    __asm__ volatile(WILD_SP MACHINE_BELL TAME_SP
                     :
                     : [sp] "r"(sp), MACHINE_BELL_INPUTS(SCONCE_DOORBELL_READY)
                     : MACHINE_CLOBBERS);
    sconce_resume(sconce_boot());
}

/* GUEST_FAULT: ILLEGAL. */
SCONCE_EXPORT(void, fault_with_sp, (uint64_t sp))
{
    __asm__ volatile(WILD_SP MACHINE_UNDEFINED : : [sp] "r"(sp) : MACHINE_CLOBBERS);
}

/* GUEST_FAULT: BREAKPOINT. */
SCONCE_EXPORT(void, breakpoint_with_sp, (uint64_t sp))
{
    __asm__ volatile(WILD_SP MACHINE_BREAKPOINT : : [sp] "r"(sp) : MACHINE_CLOBBERS);
}

/* GUEST_FAULT: MEMORY, write, at 0. */
SCONCE_EXPORT(void, page_fault_with_sp, (uint64_t sp))
{
    __asm__ volatile(WILD_SP MACHINE_WRITE_NULL : : [sp] "r"(sp) : MACHINE_CLOBBERS);
}

/* GUEST_FAULT: MEMORY, write, at @sp - 8 or - 16; x86_64: STACK where the address is not canonical;
 * aarch64: ALIGNMENT where @sp is no multiple of 16. */
SCONCE_EXPORT(void, push_with_sp, (uint64_t sp))
{
    __asm__ volatile(WILD_SP MACHINE_PUSH : : [sp] "r"(sp) : MACHINE_CLOBBERS);
}

/* -38; see syscall_result in faults.c. */
SCONCE_EXPORT(int64_t, syscall_with_sp, (uint64_t sp))
{
    int64_t result;

    __asm__ volatile(WILD_SP MACHINE_SYSCALL TAME_SP
                     : MACHINE_SYSCALL_RESULT(result)
                     : [sp] "r"(sp), MACHINE_SYSCALL_INPUTS(59)
                     : MACHINE_CLOBBERS);
    return result;
}

/* LIMIT (deadline). */
SCONCE_EXPORT(void, spin_with_sp, (uint64_t sp))
{
    __asm__ volatile(WILD_SP MACHINE_JUMP_TO_SELF : : [sp] "r"(sp) : MACHINE_CLOBBERS);
}
