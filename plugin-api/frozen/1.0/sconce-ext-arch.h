/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "sconce.arch/1": what the core must know of a backend's architecture, as data. Required
 * of every backend that loads guest ELF files. Later minors append the gdb target and core notes.
 */
#ifndef SCONCE_EXT_ARCH_H
#define SCONCE_EXT_ARCH_H

#include "sconce-plugin.h"

#define SCONCE_EXT_ARCH "sconce.arch/1"

/**
 * struct sconce_ext_arch - static; all callbacks [any-thread].
 *
 * @elf_machine: e_machine of the guests.
 * @reloc_relative: the relocation type "image base + addend, 64 bits".
 * @syscall_name: a name for a raw system-call number, or NULL.
 * @describe_fault: what this architecture calls the fault ("#PF, error 0x6"), into @buf of @bytes
 *   bytes, always NUL-terminated.
 */
struct sconce_ext_arch {
    uint32_t size;
    uint32_t elf_machine;
    uint32_t reloc_relative;
    uint32_t page_bytes;
    const char *name;
    const char *(*syscall_name)(uint64_t raw_nr);
    void (*describe_fault)(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes);
};

SCONCE_LAYOUT_AT(sconce_ext_arch, elf_machine, 4);
SCONCE_LAYOUT_AT(sconce_ext_arch, reloc_relative, 8);
SCONCE_LAYOUT_AT(sconce_ext_arch, name, 16);
SCONCE_LAYOUT_AT(sconce_ext_arch, syscall_name, 24);
SCONCE_LAYOUT_AT(sconce_ext_arch, describe_fault, 32);

#endif
