/* SPDX-License-Identifier: Apache-2.0 */
/* What people call the machines of ELF files. A name here says nothing of what Sconce runs. */
#ifndef SCONCE_COMMON_ELF_MACHINE_H
#define SCONCE_COMMON_ELF_MACHINE_H

#include <stdint.h>

/** sconce_elf_machine_name - of an e_machine, as uname(2) has it ("riscv64" for 243), or NULL for
 * one without a name here. Static. */
const char *sconce_elf_machine_name(uint32_t machine);

/* A machine in a sentence: its name, or "ELF machine 999". */
struct sconce_elf_machine_word {
    char text[24];
};

struct sconce_elf_machine_word sconce_elf_machine_word(uint32_t machine);

#endif
