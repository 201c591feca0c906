/* SPDX-License-Identifier: Apache-2.0 */
/* Writing guests for x86_64. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_X86_64_CODE_H
#define SCONCE_PLUGINS_SHARED_TESTS_X86_64_CODE_H

#include <string.h>

#include "plugins/shared/tests/fake-host.h"
#include "sconce-regs-x86_64.h"
#include "tests/fsgsbase.h"

/* Not where they are processes of a kernel that has it not for programs: tests/fsgsbase.h. */
static inline bool guests_have_fsgsbase(void)
{
    return strcmp(plugin->isolation, "process") != 0 || kernel_has_fsgsbase();
}

#define BELL(number) "mov $" #number ", %al\nout %al, $0x5c\n"

#define STORE(reg, at) "mov %" #reg ", 0x420000 + " #at "\n"

#endif
