/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first instruction to the first READY, and the way back in after a restore. Nothing here
 * may be instrumented: the stack guard is set here.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What makes an ELF file a guest. retain: --gc-sections would drop it. */
struct note {
    uint32_t owner_bytes, desc_bytes, type;
    char owner[8];
    struct sconce_guest_note desc;
};
#if defined(__has_attribute)
#if __has_attribute(retain)
__attribute__((retain))
#endif
#endif
__attribute__((used, section(".note.sconce.guest"), aligned(4))) static const struct note note = {
    sizeof SCONCE_NOTE_OWNER,
    sizeof(struct sconce_guest_note),
    SCONCE_NOTE_GUEST,
    SCONCE_NOTE_OWNER,
    {.abi = SCONCE_GUEST_ABI_CURRENT, .reloc = SCONCE_RELOC_HOST},
};

const struct sconce_boot *sconce_boot_page;

/* Read by the code that -fstack-protector makes: sconce-cc selects the global guard, because thread
 * pointers belong to whoever brings threads. */
extern uintptr_t __stack_chk_guard;
extern _Noreturn void __stack_chk_fail(void);
uintptr_t __stack_chk_guard;

/* The guest's own start-up code, where it has some, with parameters or without; strong definitions
 * replace this one. */
extern int main(int argc, char **argv);
__attribute__((weak)) int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

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
static void set_stack_guard(const struct sconce_boot *boot)
{
    uintptr_t random;

    memcpy(&random, boot->seed + sizeof boot->seed - sizeof random, sizeof random);
    __stack_chk_guard = random & ~(uintptr_t)0xff;
}

/* The guest's own start-up. A failure before there is a call is the guest's: were it kept, the
 * first call would end with it. */
static void start_up(void)
{
    static char *no_arguments[1]; /* stays: guests may keep the pointer */
    const struct sconce_note_text *text;
    int32_t code;
    int status;

    for (void (*const *init)(void) = __init_array_start; init < __init_array_end; init++)
        (*init)();
    status = main(0, no_arguments);
    if (sconce_failure_take(&code, &text))
        sconce_abort_code(code, "%s", text->text);
    if (status)
        sconce_abort_code(status, "main returned %d", status);
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
    sconce_serve_first();
}

/* No frame of C is alive here (the stack starts afresh), so copies of a snapshot can be given
 * guards of their own. */
_Noreturn void sconce_guest_resume(const struct sconce_boot *boot)
{
    sconce_boot_page = boot;
    set_stack_guard(boot);
    sconce_serve();
}
