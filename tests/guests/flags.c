/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags that bite: set, then something happens that leaves the guest. @flags are as the machine has
 * them. x86_64, OR-ed into RFLAGS: CF 0x1, TF 0x100, DF 0x400, IOPL 0x3000 (ignored), NT 0x4000,
 * RF 0x10000, AC 0x40000, ID 0x200000. TF traps behind the instruction that follows: a doorbell may
 * still be heard, and GUEST_FAULT: STEP comes after it (in the next call for ready_with_flags); a
 * fault comes first. aarch64: N Z C V, from 0x80000000 to 0x10000000.
 */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

#include "machine.h"

static void write_print(void)
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    memset(frame, 0, sizeof *frame);
    frame->kind = SCONCE_FRAME_PRINT;
    frame->slot_count = 1;
    frame->used_bytes = sizeof *frame + sizeof *slot + 1;
    *slot = (struct sconce_slot){SCONCE_TYPE_STRING, 1, sizeof *frame + sizeof *slot};
    *(char *)(slot + 1) = '.';
}

/* Prints "."; the flags that are seen after the doorbell. */
SCONCE_EXPORT(uint64_t, doorbell_with_flags, (uint64_t flags))
{
    uint64_t seen;

    write_print();
    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_BELL MACHINE_TAKE_FLAGS
                     : [seen] "=r"(seen)
                     : [flags] "r"(flags), MACHINE_BELL_INPUTS(SCONCE_DOORBELL_PRINT)
                     : MACHINE_CLOBBERS);
    return seen;
}

/* GUEST_FAULT: ILLEGAL. */
SCONCE_EXPORT(void, fault_with_flags, (uint64_t flags))
{
    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_UNDEFINED : : [flags] "r"(flags) : MACHINE_CLOBBERS);
}

/* GUEST_FAULT: MEMORY, write, at 0. */
SCONCE_EXPORT(void, page_fault_with_flags, (uint64_t flags))
{
    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_WRITE_NULL
                     :
                     : [flags] "r"(flags)
                     : MACHINE_CLOBBERS);
}

/* -38; see syscall_result in faults.c. */
SCONCE_EXPORT(int64_t, syscall_with_flags, (uint64_t flags))
{
    int64_t result;

    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_SYSCALL MACHINE_CLEAR_FLAGS
                     : MACHINE_SYSCALL_RESULT(result)
                     : [flags] "r"(flags), MACHINE_SYSCALL_INPUTS(59)
                     : MACHINE_CLOBBERS);
    return result;
}

/* GUEST_FAULT: BREAKPOINT. */
SCONCE_EXPORT(void, breakpoint_with_flags, (uint64_t flags))
{
    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_BREAKPOINT
                     :
                     : [flags] "r"(flags)
                     : MACHINE_CLOBBERS);
}

/* With AC (0x40000) of x86_64: GUEST_FAULT, ALIGNMENT, where the machine checks alignment; else
 * 0x06. */
SCONCE_EXPORT(uint32_t, misaligned_with_flags, (uint64_t flags))
{
    static const char bytes[16] __attribute__((aligned(16))) = {0, 6};
    uint32_t word;

    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_READ_MISALIGNED MACHINE_CLEAR_FLAGS
                     : [word] "=&r"(word)
                     : [flags] "r"(flags), [address] "r"(bytes)
                     : MACHINE_CLOBBERS);
    return word;
}

/* Rings READY with these flags set and goes on serving calls: succeeds, and so does the next. */
SCONCE_EXPORT(void, ready_with_flags, (uint64_t flags))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);
    const struct sconce_boot *boot = sconce_boot();
    extern void sconce_resume_entry(void);

    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_RETURN,
        .slot_count = 1,
        .used_bytes = sizeof *frame + sizeof *slot,
        .resume_pc = (uintptr_t)sconce_resume_entry,
        .resume_sp = boot->stack_top,
    };
    *slot = (struct sconce_slot){.type = SCONCE_TYPE_NONE};
    __asm__ volatile(MACHINE_SET_FLAGS MACHINE_BELL MACHINE_CLEAR_FLAGS
                     :
                     : [flags] "r"(flags), MACHINE_BELL_INPUTS(SCONCE_DOORBELL_READY)
                     : MACHINE_CLOBBERS);
    sconce_resume(sconce_boot());
}
