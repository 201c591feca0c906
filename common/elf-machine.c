/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers are those of the ELF gABI, chapter 4 (e_machine). */
#include "common/elf-machine.h"

#include <elf.h>
#include <stddef.h>
#include <stdio.h>

/* Newer than some C libraries' elf.h. */
#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

const char *sconce_elf_machine_name(uint32_t machine)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390x";
    case EM_ARM:
        return "arm";
    case EM_X86_64:
        return "x86_64";
    case EM_AARCH64:
        return "aarch64";
    case EM_RISCV:
        return "riscv64";
    case EM_LOONGARCH:
        return "loongarch64";
    default:
        return NULL;
    }
}

struct sconce_elf_machine_word sconce_elf_machine_word(uint32_t machine)
{
    const char *name = sconce_elf_machine_name(machine);
    struct sconce_elf_machine_word word;

    if (name)
        snprintf(word.text, sizeof word.text, "%s", name);
    else
        snprintf(word.text, sizeof word.text, "ELF machine %u", machine);
    return word;
}
