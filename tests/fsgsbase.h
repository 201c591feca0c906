/* SPDX-License-Identifier: Apache-2.0 */
/* Does the kernel let programs read and set the bases of FS and GS by instructions, and keep what
 * they set? Where it does not, these are undefined, or work until the next switch to another
 * process. */
#ifndef SCONCE_TESTS_FSGSBASE_H
#define SCONCE_TESTS_FSGSBASE_H

#include <stdbool.h>
#include <sys/auxv.h>

static inline bool kernel_has_fsgsbase(void)
{
    return getauxval(AT_HWCAP2) & 1ul << 1; /* Documentation/arch/x86/elf_auxvec.rst */
}

#endif
