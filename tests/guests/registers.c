/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a register survive a reset? fill_and_ready() fills every class that a guest can write and
 * asks to be resumed at code that looks at them before it touches any; leaks() tells what that code
 * saw. All calls succeed. ARCH/registers-*.* know the registers.
 *
 *     fill_and_ready(available()); snapshot, restore; leaks() -> "at resume:"
 *     fill_and_ready(available());                    leaks() -> "after ready: x2 x3 ..."
 *
 * The second line proves that the first one could fail.
 */
#include <string.h>

#include <sconce/guest.h>

#include "registers.h"

struct captured captured;
uint64_t capture_classes;

/* The classes of registers that this machine lets guests write: CLASS_* of registers.h. */
SCONCE_EXPORT(uint32_t, available, (void))
{
    return registers_available();
}

/* Those of them that a kernel may keep from processes: filling these is ILLEGAL then. */
SCONCE_EXPORT(uint32_t, withheld, (void))
{
    return registers_withheld();
}

/* Returns by hand, with every register of @classes full of a pattern. */
SCONCE_EXPORT(void, fill_and_ready, (uint32_t classes))
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;
    struct sconce_slot *slot = (struct sconce_slot *)(frame + 1);

    memset(&captured, 0, sizeof captured);
    capture_classes = classes;
    *frame = (struct sconce_frame){
        .kind = SCONCE_FRAME_RETURN,
        .slot_count = 1,
        .used_bytes = sizeof *frame + sizeof *slot,
        .resume_pc = (uintptr_t)registers_capture,
        .resume_sp = sconce_boot()->stack_top,
    };
    *slot = (struct sconce_slot){.type = SCONCE_TYPE_NONE};
    registers_fill_and_ready(classes);
}

static char report[1024];

void registers_leak(const char *name, uint64_t value, uint64_t expected)
{
    size_t used = strlen(report);
    sconce_str one;

    if (value == expected)
        return;
    one = sconce_format(" %s=%llx", name, (unsigned long long)value);
    if (used + one.length < sizeof report)
        memcpy(report + used, one.data, one.length + 1);
}

uint64_t registers_nonzero_bytes(const unsigned char *bytes, size_t count)
{
    uint64_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += bytes[i] != 0;
    return n;
}

/* "at resume:" or "after ready:", and behind that each register that is not in its initial state;
 * for vectors the number of bytes. Fails with code 1 when there was no fill_and_ready(). */
SCONCE_EXPORT(sconce_str, leaks, (void))
{
    if (!captured.how) {
        sconce_fail(1, "nothing was captured");
        return SCONCE_STR("");
    }
    report[0] = '\0';
    registers_look();
    return sconce_format("%s:%s", captured.how == CAPTURED_AT_RESUME ? "at resume" : "after ready",
                         report);
}
