/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first instruction to the first READY, and the way back in after a restore. Nothing here
 * may be instrumented: the stack guard is set here.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

SCONCE_GUEST_NOTE(SCONCE_RELOC_HOST);

const struct sconce_boot *sconce_boot_page;

/* Read by the code that -fstack-protector makes: sconce-cc selects the global guard, because thread
 * pointers belong to whoever brings threads. */
extern uintptr_t __stack_chk_guard;
extern _Noreturn void __stack_chk_fail(void);
uintptr_t __stack_chk_guard;

/* The guest's own start-up code, with parameters or without; no-main.c's where it has none. */
extern int main(int argc, char **argv);

extern void (*const __init_array_start[])(void) __attribute__((weak, visibility("hidden")));
extern void (*const __init_array_end[])(void) __attribute__((weak, visibility("hidden")));

_Noreturn void __stack_chk_fail(void)
{
    sconce_abort("stack smashing detected");
}

const struct sconce_boot *sconce_boot(void)
{
    return sconce_boot_page;
}

/* The guard's lowest byte, which a string's overflow reaches first, is a NUL. */
SCONCE_HOT static void set_stack_guard(const struct sconce_boot *boot)
{
    uintptr_t random;

    memcpy(&random, boot->seed + sizeof boot->seed - sizeof random, sizeof random);
    __stack_chk_guard = random & ~(uintptr_t)0xff;
}

/* argv of the boot page's arguments; it stays, guests may keep it. */
static char **arguments(int *ret_count)
{
    const struct sconce_boot *boot = sconce_boot_page;
    char **argv = malloc((boot->arg_count + 1) * sizeof *argv);
    char *text = boot->arg_count ? malloc(boot->args_bytes) : NULL;

    if (!argv || (boot->arg_count && !text))
        sconce_abort("the heap cannot hold the arguments of main");
    if (text)
        memcpy(text, (const void *)boot->args_addr, boot->args_bytes);
    for (uint32_t i = 0; i < boot->arg_count; i++) {
        argv[i] = text;
        text += strlen(text) + 1;
    }
    argv[boot->arg_count] = NULL;
    *ret_count = (int)boot->arg_count;
    return argv;
}

/* The guest's own start-up. Of its failure and main's result the former tells more. */
static void start_up(void)
{
    int status, argc;
    char **argv = arguments(&argc);

    for (void (*const *init)(void) = __init_array_start; init < __init_array_end; init++)
        (*init)();
    status = main(argc, argv);
    sconce_failure_end_start();
    if (status)
        sconce_abort_code(status, "main returned %d", status);
}

/* The stack starts afresh at each restore. */
void sconce_ready(void)
{
    sconce_serve_first(sconce_boot_page->stack_top & ~(uint64_t)15, 0);
}

_Noreturn void sconce_guest_start(const struct sconce_boot *boot)
{
    /* Without a boot page there is nobody to tell. */
    if (boot->magic != SCONCE_BOOT_MAGIC || boot->boot_bytes < sizeof *boot)
        __builtin_trap();
    sconce_boot_page = boot;
    set_stack_guard(boot);
    sconce_heap_init((void *)boot->heap_addr, boot->heap_bytes);
    start_up();
    sconce_ready();
}

/* No frame of C is alive here (the stack starts afresh), so copies of a snapshot can be given
 * guards of their own. */
SCONCE_HOT _Noreturn void sconce_guest_resume(const struct sconce_boot *boot)
{
    sconce_boot_page = boot;
    set_stack_guard(boot);
    sconce_serve();
}
