/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags that bite: set in RFLAGS, then something happens that leaves the guest. @flags are OR-ed
 * in: CF 0x1, TF 0x100, DF 0x400, IOPL 0x3000 (ignored), NT 0x4000, RF 0x10000, AC 0x40000,
 * ID 0x200000. TF traps behind the instruction that follows: a doorbell may still be heard, and
 * GUEST_FAULT: STEP comes after it (in the next call for ready_with_flags); a fault comes first.
 */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

#define SET_FLAGS "pushfq\n\torq %[flags], (%%rsp)\n\tpopfq\n\t"
#define TAKE_FLAGS "pushfq\n\tpopq %[seen]\n\tpushq $2\n\tpopfq\n\t"

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
    __asm__ volatile(SET_FLAGS "outb %%al, %[port]\n\t" TAKE_FLAGS
                     : [seen] "=r"(seen)
                     : [flags] "r"(flags),
                       "a"(SCONCE_DOORBELL_PRINT), [port] "i"(SCONCE_DOORBELL_PORT_X86_64)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return seen;
}

/* GUEST_FAULT: ILLEGAL. */
SCONCE_EXPORT(void, fault_with_flags, (uint64_t flags))
{
    __asm__ volatile(SET_FLAGS "ud2" : : [flags] "r"(flags) : "memory", "cc");
}

/* GUEST_FAULT: MEMORY, write, at 0. */
SCONCE_EXPORT(void, page_fault_with_flags, (uint64_t flags))
{
    __asm__ volatile(SET_FLAGS "movb $1, 0" : : [flags] "r"(flags) : "memory", "cc");
}

/* -38; see syscall_result in faults.c. */
SCONCE_EXPORT(int64_t, syscall_with_flags, (uint64_t flags))
{
    int64_t result;

    __asm__ volatile(SET_FLAGS "syscall\n\tpushq $2\n\tpopfq"
                     : "=a"(result)
                     : [flags] "r"(flags), "a"(39)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

/* GUEST_FAULT: BREAKPOINT. */
SCONCE_EXPORT(void, int3_with_flags, (uint64_t flags))
{
    __asm__ volatile(SET_FLAGS "int3" : : [flags] "r"(flags) : "memory", "cc");
}

/* GUEST_FAULT: P. */
SCONCE_EXPORT(void, iret_with_nt, (void))
{
    __asm__ volatile("pushfq\n\torq $0x4000, (%%rsp)\n\tpopfq\n\tiretq" : : : "memory", "cc");
}

/* With AC (0x40000): GUEST_FAULT, ALIGNMENT, where the machine checks alignment; else 0x06. */
SCONCE_EXPORT(uint32_t, misaligned_with_flags, (uint64_t flags))
{
    static const char bytes[16] __attribute__((aligned(16))) = {0, 6};
    uint32_t word;

    __asm__ volatile(SET_FLAGS "movl 1(%[bytes]), %[word]\n\tpushq $2\n\tpopfq"
                     : [word] "=r"(word)
                     : [flags] "r"(flags), [bytes] "r"(bytes)
                     : "memory", "cc");
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
    __asm__ volatile(SET_FLAGS "outb %%al, %[port]\n\tpushq $2\n\tpopfq"
                     :
                     : [flags] "r"(flags),
                       "a"(SCONCE_DOORBELL_READY), [port] "i"(SCONCE_DOORBELL_PORT_X86_64)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    sconce_resume(sconce_boot());
}
