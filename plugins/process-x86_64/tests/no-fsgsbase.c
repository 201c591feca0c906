/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program, makes its kernel look like one that keeps the bases of FS and GS to
 * itself: getauxval(3) tells of no FSGSBASE. The instructions work as before.
 */
#include <dlfcn.h>
#include <sys/auxv.h>

#define HWCAP2_FSGSBASE (1ul << 1) /* Documentation/arch/x86/elf_auxvec.rst */

__attribute__((visibility("default"))) unsigned long getauxval(unsigned long type)
{
    unsigned long (*real)(unsigned long);

    *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    return type == AT_HWCAP2 ? real(type) & ~HWCAP2_FSGSBASE : real(type);
}
