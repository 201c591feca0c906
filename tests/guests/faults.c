/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every machine refuses; ARCH/faults.c adds what one has alone. Every export that runs to its
 * last instruction is GUEST_FAULT; the comment gives kind and access. "P or I": PRIVILEGE or
 * ILLEGAL, as the mechanism has it.
 */
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

#include "machine.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

/* MEMORY, read, at @address; succeeds with the word where memory is readable. An address that the
 * machine does not have (on x86_64 one of more than 47 bits) may be no memory access at all: P. */
SCONCE_EXPORT(uint64_t, read_at, (uint64_t address))
{
    return machine_read(address);
}

/* MEMORY, write, at @address; succeeds where memory is writable. */
SCONCE_EXPORT(void, write_at, (uint64_t address))
{
    machine_write(address);
}

/* MEMORY, execute, at @address; P where it is no address. */
SCONCE_EXPORT(void, jump_to, (uint64_t address))
{
    machine_jump(address);
}

/* MEMORY, read, at 0. */
SCONCE_EXPORT(void, null_read, (void))
{
    machine_read_byte(0);
}

/* MEMORY, write, at 0. */
SCONCE_EXPORT(void, null_write, (void))
{
    __asm__ volatile(MACHINE_WRITE_NULL : : : MACHINE_CLOBBERS);
}

/* MEMORY, execute, at 0. */
SCONCE_EXPORT(void, null_call, (void))
{
    machine_call(0);
}

/* MEMORY, write, at an address in the image. */
SCONCE_EXPORT(void, write_code, (void))
{
    write_at((uintptr_t)null_read & ~7ul);
}

static const uint64_t constant[] = {1, 2, 3};

/* MEMORY, write, at an address in the image. */
SCONCE_EXPORT(void, write_constant, (void))
{
    write_at((uintptr_t)constant);
}

/* MEMORY, write, at the boot page. */
SCONCE_EXPORT(void, write_boot, (void))
{
    write_at((uintptr_t)sconce_boot());
}

/* MEMORY, write, at the start of IN. */
SCONCE_EXPORT(void, write_in, (void))
{
    write_at(sconce_boot()->in_addr);
}

/* MEMORY, write, just below the stack. */
SCONCE_EXPORT(void, write_below_stack, (void))
{
    write_at(sconce_boot()->stack_top - sconce_boot()->stack_bytes - 8);
}

static unsigned char code_in_data[16] = {MACHINE_RETURN};

/* MEMORY, execute, in the image's data. */
SCONCE_EXPORT(void, execute_data, (void))
{
    machine_call((uintptr_t)code_in_data);
}

/* MEMORY, execute, in the image's constants. */
SCONCE_EXPORT(void, execute_constant, (void))
{
    static const unsigned char code_in_constants[16] = {MACHINE_RETURN};

    machine_call((uintptr_t)code_in_constants);
}

/* MEMORY, execute, on the stack. */
SCONCE_EXPORT(void, execute_stack, (void))
{
    volatile unsigned char code[16] = {MACHINE_RETURN};

    machine_call((uintptr_t)code);
}

/* MEMORY, execute, on the heap. */
SCONCE_EXPORT(void, execute_heap, (void))
{
    unsigned char *code = malloc(16);

    memcpy(code, code_in_data, sizeof code_in_data);
    machine_call((uintptr_t)code);
}

/* MEMORY, execute, in OUT. */
SCONCE_EXPORT(void, execute_out, (void))
{
    unsigned char *code = (unsigned char *)sconce_boot()->out_addr;

    memcpy(code, code_in_data, sizeof code_in_data);
    machine_call((uintptr_t)code);
}

/* MEMORY, execute, in IN: @code comes from the host. */
SCONCE_EXPORT(void, execute_in, (sconce_bytes code))
{
    machine_call((uintptr_t)code.data);
}

/* MEMORY, execute: 1 MiB above the image, where nothing is mapped or nothing is executable. */
SCONCE_EXPORT(void, jump_unmapped, (void))
{
    jump_to(sconce_boot()->image_end + (1 << 19));
}

/* ---- Traps ----------------------------------------------------------------------------------- */

/* ILLEGAL: an instruction that is undefined for ever. */
SCONCE_EXPORT(void, undefined_instruction, (void))
{
    __asm__ volatile(MACHINE_UNDEFINED);
}

/* BREAKPOINT. */
SCONCE_EXPORT(void, breakpoint, (void))
{
    __asm__ volatile(MACHINE_BREAKPOINT);
}

/* ---- Traps that are answered ----------------------------------------------------------------- */

/* Succeeds: what a system call gives, -38 (ENOSYS) for those that nobody serves. On a backend
 * without SYSCALL exits: ILLEGAL. */
SCONCE_EXPORT(int64_t, syscall_result, (uint64_t number))
{
    int64_t result;

    __asm__ volatile(MACHINE_SYSCALL
                     : MACHINE_SYSCALL_RESULT(result)
                     : MACHINE_SYSCALL_INPUTS(number)
                     : MACHINE_CLOBBERS);
    return result;
}

/* LIMIT: traps, or the deadline. */
SCONCE_EXPORT(void, syscall_forever, (void))
{
    for (;;)
        syscall_result(39);
}

/* LIMIT (deadline): exits that the host's kernel may serve by itself. */
SCONCE_EXPORT(void, identify_forever, (void))
{
    for (;;)
        machine_identify();
}

/* LIMIT (deadline): one instruction that jumps to itself. */
SCONCE_EXPORT(void, jump_to_self, (void))
{
    __asm__ volatile(MACHINE_JUMP_TO_SELF);
}

/* LIMIT (deadline). */
SCONCE_EXPORT(void, pause_forever, (void))
{
    for (;;)
        __asm__ volatile(MACHINE_PAUSE);
}
