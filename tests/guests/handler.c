/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that handles its own faults; ARCH/handler.c adds what one architecture has alone. Every
 * export that handles takes a handler of its own first, and GUEST_FAILED 1 is the outcome of all of
 * them where the backend cannot go on after a fault.
 */
#include <stdio.h>
#include <string.h>

#include "handler-machine.h"
#include "handler.h"

SCONCE_IMPORT(void, host_nothing, (void));
SCONCE_IMPORT(sconce_bytes, host_echo_bytes, (sconce_bytes value));

static sconce_fault_fn handler;
static uint64_t handled;
static struct sconce_fault_report last;
static uint64_t mark[HANDLER_MARK_WORDS];
static uint64_t treasure = 0x1122334455667788;
static uint64_t given[2];

static void count(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    handled++;
    last = *report;
    handler(report, regs);
}

int handler_with(sconce_fault_fn fn)
{
    int r = sconce_on_fault(fn ? count : NULL);

    handler = fn;
    if (r)
        sconce_fail(1, "sconce_on_fault gave %d", r);
    return r;
}

/* sconce_on_fault()'s result: 0, or -4. */
SCONCE_EXPORT(int32_t, try, (void))
{
    int32_t r = sconce_on_fault(count);

    sconce_on_fault(NULL);
    return r;
}

/* How many faults were handled so far. */
SCONCE_EXPORT(uint64_t, faults, (void))
{
    return handled;
}

/* "KIND ACCESS ADDRESS IS_PC" of the last one. */
SCONCE_EXPORT(sconce_str, last_fault, (void))
{
    return sconce_format("%u %u %llx %d", last.kind, last.access, (unsigned long long)last.address,
                         last.pc == (uintptr_t)handler_read);
}

/* ---- Going on -------------------------------------------------------------------------------- */

static void give_address(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    regs->MACHINE_ARGUMENT = (uintptr_t)&treasure;
}

static void skip_read(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    regs->MACHINE_RESULT = 42;
    regs->MACHINE_PC += MACHINE_READ_BYTES;
}

static void skip_undefined(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    regs->MACHINE_PC += MACHINE_UNDEFINED_BYTES;
}

/* 0x1122334455667788: the address is mended. */
SCONCE_EXPORT(uint64_t, repair, (uint64_t address))
{
    return handler_with(give_address) ? 0 : handler_read(address);
}

/* Register the handler, and no more. */
SCONCE_EXPORT(void, keep_handler, (void))
{
    handler_with(give_address);
}

/* The same as repair, by the handler that was registered before; MEMORY without one. */
SCONCE_EXPORT(uint64_t, read_at, (uint64_t address))
{
    return handler_read(address);
}

SCONCE_EXPORT(void, drop_handler, (void))
{
    handler_with(NULL);
}

/* 42: the read is left out. */
SCONCE_EXPORT(uint64_t, skip, (void))
{
    return handler_with(skip_read) ? 0 : handler_read(8);
}

/* 7: the undefined instruction is left out. */
SCONCE_EXPORT(uint32_t, skip_instruction, (void))
{
    return handler_with(skip_undefined) ? 0 : handler_undefined();
}

/* @n: that many reads are mended. */
SCONCE_EXPORT(uint64_t, many, (uint32_t n))
{
    uint64_t sum = 0;

    if (handler_with(give_address))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        sum += handler_read(8 + i) == treasure;
    return sum;
}

static void clobber(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    __asm__ volatile(MACHINE_CLOBBER_VECTORS : : : MACHINE_VECTOR_CLOBBERS);
    skip_undefined(report, regs);
}

/* "": all registers are what they were behind a handler that used them; or which are not. */
SCONCE_EXPORT(sconce_str, keep_registers, (void))
{
    static uint8_t pattern[MACHINE_VECTORS * HANDLER_VECTOR_BYTES];
    static uint8_t vectors[sizeof pattern];
    static uint64_t words[2 + MACHINE_WORDS];

    if (handler_with(clobber))
        return sconce_str_from("");
    for (unsigned i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + 3);
    handler_keep(pattern, vectors, words);
    for (unsigned i = 0; i < sizeof pattern; i++)
        if (vectors[i] != pattern[i])
            return sconce_format("byte %u of the vectors is %x", i, vectors[i]);
    if ((words[0] & MACHINE_FLAGS_MASK) != MACHINE_FLAGS || words[1] != MACHINE_CONTROL)
        return sconce_format("flags %llx, control %llx", (unsigned long long)words[0],
                             (unsigned long long)words[1]);
    for (unsigned i = 0; i < MACHINE_WORDS; i++)
        if (words[2 + i] != handler_word(i))
            return sconce_format("word %u is %llx", i, (unsigned long long)words[2 + i]);
    return sconce_str_from("");
}

/* ---- Leaving --------------------------------------------------------------------------------- */

static void jump(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    (void)regs;
    handler_return(mark);
}

/* 3: the handler does not come back. */
SCONCE_EXPORT(uint32_t, jump_out, (void))
{
    if (handler_with(jump))
        return 0;
    if (handler_mark(mark))
        return 3;
    return (uint32_t)handler_read(8);
}

__attribute__((noinline)) static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t here[64];

    here[depth % 64] = depth;
    return depth == UINT64_MAX ? 0 : recurse(depth + 1) + here[depth % 64];
}

/* 4: the stack is used up, and the handler has its own. */
SCONCE_EXPORT(uint32_t, use_up_stack, (void))
{
    if (handler_with(jump))
        return 0;
    if (handler_mark(mark))
        return 4;
    return (uint32_t)recurse(0);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static void fault_again(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    (void)regs;
    handler_read(given[0]);
}

/* MEMORY, read, at @address, "in its fault handler". */
SCONCE_EXPORT(void, fault_in_handler, (uint64_t address))
{
    given[0] = address;
    if (!handler_with(fault_again))
        handler_read(8);
}

static void give_up(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)regs;
    sconce_abort("fault %u", report->kind);
}

/* GUEST_ABORT "fault 1, in its fault handler". */
SCONCE_EXPORT(void, abort_in_handler, (void))
{
    if (!handler_with(give_up))
        handler_read(8);
}

/* GUEST_ABORT "fault 0": behind a fault that was handled. */
SCONCE_EXPORT(void, abort_behind_handler, (void))
{
    if (!handler_with(give_address) && handler_read(8) == treasure)
        sconce_abort("fault 0");
}

static void do_nothing(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    (void)regs;
}

/* LIMIT (traps). */
SCONCE_EXPORT(void, fault_forever, (void))
{
    if (!handler_with(do_nothing))
        handler_read(8);
}

static void spin(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    (void)regs;
    for (;;)
        __asm__ volatile("" : : : "memory");
}

/* LIMIT (deadline), or KICKED. */
SCONCE_EXPORT(void, spin_in_handler, (void))
{
    if (!handler_with(spin))
        handler_read(8);
}

/* ---- The host in the handler ----------------------------------------------------------------- */

static void talk(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    printf("fault %u\n", report->kind);
    host_nothing();
    give_address(report, regs);
}

/* The treasure; prints "fault 1" and calls host_nothing. */
SCONCE_EXPORT(uint64_t, talk_in_handler, (void))
{
    return handler_with(talk) ? 0 : handler_read(8);
}

/* GUEST_ABORT: the fault comes while the arguments of a host call are copied. */
SCONCE_EXPORT(void, talk_in_call, (void))
{
    if (!handler_with(talk))
        host_echo_bytes((sconce_bytes){(const void *)8, 100});
}

/* 5: a handler that leaves may do so from there, too. */
SCONCE_EXPORT(uint32_t, jump_out_of_call, (void))
{
    if (handler_with(jump))
        return 0;
    if (handler_mark(mark)) {
        host_nothing();
        return sconce_host_failed() ? 0 : 5;
    }
    host_echo_bytes((sconce_bytes){(const void *)8, 100});
    return 1;
}

/* The treasure: a handler may print although one left for good from within a host call. */
SCONCE_EXPORT(uint64_t, talk_after_jump, (void))
{
    if (handler_with(jump))
        return 0;
    if (!handler_mark(mark))
        host_echo_bytes((sconce_bytes){(const void *)8, 100});
    handler = talk;
    return handler_read(8);
}

static void send_to_mark(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    regs->MACHINE_ARGUMENT = (uintptr_t)mark;
    regs->MACHINE_PC = (uintptr_t)handler_return;
}

/* The treasure, as talk_after_jump, where the handler returns and the registers are what leaves. */
SCONCE_EXPORT(uint64_t, talk_after_sending, (void))
{
    if (handler_with(send_to_mark))
        return 0;
    if (!handler_mark(mark))
        host_echo_bytes((sconce_bytes){(const void *)8, 100});
    handler = talk;
    return handler_read(8);
}

static void talk_next_time(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    (void)regs;
    handler = talk;
}

/* GUEST_ABORT, as talk_in_call: the first handler went back into the call. */
SCONCE_EXPORT(void, talk_in_call_again, (void))
{
    if (!handler_with(talk_next_time))
        host_echo_bytes((sconce_bytes){(const void *)8, 100});
}

/* GUEST_ABORT, as talk_in_call, although a handler left for good before. */
SCONCE_EXPORT(void, talk_in_call_after_jump, (void))
{
    if (handler_with(jump))
        return;
    if (!handler_mark(mark))
        handler_read(8);
    handler = talk;
    host_echo_bytes((sconce_bytes){(const void *)8, 100});
}

/* ---- Hostile --------------------------------------------------------------------------------- */

static void leave_word(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    (void)report;
    memcpy((char *)regs + given[0], &given[1], sizeof given[1]);
}

/* Word number @word of the registers is @value behind the handler: GUEST_PROTOCOL for a PC or flags
 * that no guest can have. */
SCONCE_EXPORT(void, leave, (uint32_t word, uint64_t value))
{
    given[0] = word * sizeof value % sizeof(struct sconce_guest_regs);
    given[1] = value;
    if (!handler_with(leave_word))
        handler_read(8);
}

static void leave_noise(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    unsigned char *at = (unsigned char *)report;

    for (size_t i = 0; i < sizeof *report + sizeof *regs; i++) {
        given[0] = given[0] * 6364136223846793005u + 1442695040888963407u;
        at[i] = (unsigned char)(given[0] >> 56);
    }
}

/* GUEST_PROTOCOL, or any fault: the whole report is noise. */
SCONCE_EXPORT(void, leave_all, (uint64_t seed))
{
    given[0] = seed;
    if (!handler_with(leave_noise))
        handler_read(8);
}

/* GUEST_PROTOCOL. */
SCONCE_EXPORT(void, done_without_fault, (void))
{
    if (!handler_with(do_nothing))
        sconce_doorbell(SCONCE_DOORBELL_FAULT_DONE);
}

static unsigned char stack[8192] __attribute__((aligned(16)));
static const unsigned char constants[8192] __attribute__((aligned(16))) = {1};

/* GUEST_PROTOCOL; @what tells what of the registration is wrong: 0 is "nothing", and succeeds. */
SCONCE_EXPORT(void, bad_registration, (uint32_t what))
{
    const struct sconce_frame *call = (const struct sconce_frame *)sconce_boot()->in_addr;
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);
    const uint64_t good[3] = {(uintptr_t)handler_read, (uintptr_t)stack, sizeof stack};
    const uint64_t heap_end = sconce_boot()->heap_addr + sconce_boot()->heap_bytes;
    static const uint32_t slots[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2};
    const uint64_t wrong[] = {(uintptr_t)handler_read,
                              (uintptr_t)stack,
                              0x10,
                              UINT64_MAX,
                              (uintptr_t)handler_read & ~15ull,
                              (uintptr_t)constants,
                              0x10,
                              (uintptr_t)stack + 8,
                              sconce_boot()->out_addr,
                              sconce_boot()->in_addr,
                              heap_end - 4096,
                              4095,
                              0,
                              UINT64_MAX - 15,
                              1ull << 36};

    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_ON_FAULT,
        .slot_count = 3,
        .used_bytes = sizeof *frame + 3 * sizeof *slot,
        .reply_at = (call->used_bytes + 15) & ~15ull,
    };
    for (unsigned i = 0; i < 3; i++)
        slot[i] = (struct sconce_slot){.type = SCONCE_TYPE_U64, .value = good[i]};
    if (what < sizeof slots / sizeof slots[0])
        slot[slots[what]].value = wrong[what];
    else if (what == 15)
        slot[1].type = SCONCE_TYPE_I64;
    else if (what == 16)
        frame->slot_count = 2;
    else if (what == 17)
        frame->kind = SCONCE_FRAME_PRINT;
    else if (what == 18)
        frame->reply_at += 8;
    else if (what == 19)
        frame->reply_at = sconce_boot()->in_bytes;
    else if (what == 20)
        frame->reply_at = sconce_boot()->in_bytes - 16;
    sconce_doorbell(SCONCE_DOORBELL_ON_FAULT);
}
