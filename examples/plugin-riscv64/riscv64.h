/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure half of this backend: RISC-V with 64 bits, as values. It knows no mechanism and no
 * operating system, so it could serve a hypervisor as well; what it is here, arch/ARCH is in
 * Sconce's own tree.
 */
#ifndef RISCV64_H
#define RISCV64_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce-ext-arch.h>

/* What the core must know: ELF machine, relocation, names. */
extern const struct sconce_ext_arch riscv64_arch;

/** riscv64_is_address - can it be an address of a guest's, on every machine there is? */
bool riscv64_is_address(uint64_t value);

/** riscv64_is_pc - an address, and one that sepc can hold. */
bool riscv64_is_pc(uint64_t value);

/** riscv64_fault - a trap of user mode in terms that all architectures share.
 * @scause, @stval: as the hart leaves them (privileged architecture, 4.1.8 and 4.1.9). */
void riscv64_fault(uint64_t scause, uint64_t stval, uint64_t pc,
                   struct sconce_exit_fault *ret_fault);

#endif
