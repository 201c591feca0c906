/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with a C library of its own: from the library's start-up code to the first READY, and the
 * way back in after a restore. sconce-cc links with --wrap=main: what the library calls main is
 * __wrap_main here, and what the guest calls main is __real_main: no-main.c's, where it has none.
 *
 * The same file is an ordinary program when Linux starts it: then there is no boot page, and main's
 * result is the program's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../lib/internal.h"

SCONCE_GUEST_NOTE(SCONCE_RELOC_SELF);

/* Set by process.c before the program has relocated itself; no relocation writes to it. */
__attribute__((visibility("hidden"))) const struct sconce_boot *sconce_boot_page;

extern int __real_main(int argc, char **argv, char **envp);
extern int __wrap_main(int argc, char **argv, char **envp);

/* The architecture's, in crt. */
extern uint64_t sconce_thread_pointer(void);

extern const struct sconce_table_entry __start_sconce_exports[]
    __attribute__((weak, visibility("hidden")));
extern const struct sconce_table_entry __stop_sconce_exports[]
    __attribute__((weak, visibility("hidden")));

const struct sconce_boot *sconce_boot(void)
{
    return sconce_boot_page;
}

void sconce_ready(void)
{
    /* What lies above belongs to those who called; below, restored copies begin afresh. */
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    if (!sconce_boot_page) {
        fflush(NULL);
        _Exit(EXIT_SUCCESS);
    }
    sconce_serve_first(frame, sconce_thread_pointer());
}

int __wrap_main(int argc, char **argv, char **envp)
{
    int status = __real_main(argc, argv, envp);

    if (!sconce_boot_page || &__start_sconce_exports[0] == &__stop_sconce_exports[0])
        return status; /* a program: it has run */
    sconce_failure_end_start();
    if (status)
        sconce_abort_code(status, "main returned %d", status);
    sconce_ready();
}

/* The guard and the library's random state are the snapshot's: they are in frames that are alive.
 */
_Noreturn void sconce_guest_resume(const struct sconce_boot *boot)
{
    sconce_boot_page = boot;
    sconce_serve();
}
