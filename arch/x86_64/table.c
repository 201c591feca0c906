/* SPDX-License-Identifier: Apache-2.0 */
/* What the core must know of x86_64, as data. */
#include "arch/x86_64/table.h"

#include "arch/x86_64/fault.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/syscalls.h"

/* System V ABI, AMD64 supplement: 4.1 (e_machine), table 4.9 (relocation types). */
#define EM_X86_64 62u
#define R_X86_64_RELATIVE 8u

const struct sconce_ext_arch sconce_x86_arch = {
    .size = sizeof sconce_x86_arch,
    .elf_machine = EM_X86_64,
    .reloc_relative = R_X86_64_RELATIVE,
    .page_bytes = SCONCE_X86_PAGE,
    .name = "x86_64",
    .syscall_name = sconce_x86_syscall_name,
    .describe_fault = sconce_x86_describe_fault,
};
