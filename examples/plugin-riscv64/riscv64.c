/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections are those of "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture",
 * version 20211203.
 */
#include "riscv64.h"

#include <stddef.h>
#include <stdio.h>

#define SCAUSE_ILLEGAL_INSTRUCTION 2u

/* The lower half of Sv39, the smallest address space of all (4.4.1): bits 63 to 38 are zero. */
#define ADDRESS_END (1ull << 38)

/* Bits 6 to 0 of CSRRW, SRET, WFI, SFENCE.VMA and their like, which user mode may not execute;
 * those of its own CSRs do not trap. */
#define OPCODE_MASK 0x7fu
#define OPCODE_SYSTEM 0x73u

/* Table 4.2: exceptions by code. Interrupts have bit 63 set, and no guest causes one. */
static const struct {
    const char *name;
    uint32_t kind;
    uint32_t access;
} exceptions[] = {
    [0] = {"instruction address misaligned", SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_EXEC},
    [1] = {"instruction access fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_EXEC},
    [2] = {"illegal instruction", SCONCE_FAULT_ILLEGAL, SCONCE_ACCESS_UNKNOWN},
    [3] = {"breakpoint", SCONCE_FAULT_BREAKPOINT, SCONCE_ACCESS_UNKNOWN},
    [4] = {"load address misaligned", SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_READ},
    [5] = {"load access fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ},
    [6] = {"store or AMO address misaligned", SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_WRITE},
    [7] = {"store or AMO access fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE},
    [12] = {"instruction page fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_EXEC},
    [13] = {"load page fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_READ},
    [15] = {"store or AMO page fault", SCONCE_FAULT_MEMORY, SCONCE_ACCESS_WRITE},
};

#define EXCEPTIONS (sizeof exceptions / sizeof exceptions[0])

bool riscv64_is_address(uint64_t value)
{
    return value < ADDRESS_END;
}

bool riscv64_is_pc(uint64_t value)
{
    return riscv64_is_address(value) && value % 2 == 0; /* 4.1.7: sepc[0] is always zero */
}

void riscv64_fault(uint64_t scause, uint64_t stval, uint64_t pc,
                   struct sconce_exit_fault *ret_fault)
{
    *ret_fault = (struct sconce_exit_fault){.kind = SCONCE_FAULT_OTHER, .pc = pc, .detail = scause};
    if (scause >= EXCEPTIONS || !exceptions[scause].name)
        return;
    ret_fault->kind = exceptions[scause].kind;
    ret_fault->access = exceptions[scause].access;
    if (ret_fault->access != SCONCE_ACCESS_UNKNOWN)
        ret_fault->address = stval;
    /* stval has the instruction here, or zero (4.1.9). */
    if (scause == SCAUSE_ILLEGAL_INSTRUCTION && (stval & OPCODE_MASK) == OPCODE_SYSTEM)
        ret_fault->kind = SCONCE_FAULT_PRIVILEGE;
}

static void describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    const char *name = fault->detail < EXCEPTIONS ? exceptions[fault->detail].name : NULL;

    snprintf(buf, (size_t)bytes, "%s, scause %llu", name ? name : "trap",
             (unsigned long long)fault->detail);
}

/* Linux, include/uapi/asm-generic/unistd.h: those that a small program's C library makes. */
static const char *syscall_name(uint64_t raw_nr)
{
    switch (raw_nr) {
    case 29:
        return "ioctl";
    case 56:
        return "openat";
    case 57:
        return "close";
    case 63:
        return "read";
    case 64:
        return "write";
    case 80:
        return "fstat";
    case 93:
        return "exit";
    case 94:
        return "exit_group";
    case 113:
        return "clock_gettime";
    case 214:
        return "brk";
    case 215:
        return "munmap";
    case 222:
        return "mmap";
    case 278:
        return "getrandom";
    default:
        return NULL;
    }
}

const struct sconce_ext_arch riscv64_arch = {
    .size = sizeof riscv64_arch,
    .elf_machine = 243,  /* EM_RISCV */
    .reloc_relative = 3, /* R_RISCV_RELATIVE */
    .page_bytes = 4096,
    .name = "riscv64",
    .syscall_name = syscall_name,
    .describe_fault = describe_fault,
};
