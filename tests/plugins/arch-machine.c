/* SPDX-License-Identifier: Apache-2.0 */
/* Its arch extension is for another machine than its note. */
#include <string.h>

#include "sconce-ext-arch.h"

static const char *syscall_name(uint64_t raw_nr)
{
    (void)raw_nr;
    return NULL;
}

static void describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    (void)fault;
    memset(buf, 0, bytes);
}

static const void *get_extension(const char *id)
{
    static const struct sconce_ext_arch arch = {.size = sizeof arch,
                                                .elf_machine = 183,
                                                .page_bytes = 4096,
                                                .name = "x86_64",
                                                .syscall_name = syscall_name,
                                                .describe_fault = describe_fault};

    return strcmp(id, SCONCE_EXT_ARCH) == 0 ? &arch : NULL;
}

#define BENT_NAME "arch-machine"
#define BENT_MACHINE 62
#define BENT_EXTENSION get_extension
#include "tests/plugins/bent.h"
