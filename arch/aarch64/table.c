/* SPDX-License-Identifier: Apache-2.0 */
/* What the core must know of aarch64, as data. */
#include "arch/aarch64/table.h"

#include "arch/aarch64/fault.h"
#include "arch/aarch64/syscalls.h"

/* ELF for the Arm 64-bit Architecture (AAELF64): 5.1 (e_machine), 5.7.12 (dynamic relocations). */
#define EM_AARCH64 183u
#define R_AARCH64_RELATIVE 1027u

/* The granule that guests' page tables have, where there are any. */
#define PAGE_BYTES 4096u

const struct sconce_ext_arch sconce_a64_arch = {
    .size = sizeof sconce_a64_arch,
    .elf_machine = EM_AARCH64,
    .reloc_relative = R_AARCH64_RELATIVE,
    .page_bytes = PAGE_BYTES,
    .name = "aarch64",
    .syscall_name = sconce_a64_syscall_name,
    .describe_fault = sconce_a64_describe_fault,
};
