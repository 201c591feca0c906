/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host attaches. All calls succeed but write_at and run_at. Places count from the window's
 * start, and may lie behind what is attached.
 */
#include <sconce/guest.h>
#include <string.h>

static const uint8_t *window(void)
{
    return (const uint8_t *)sconce_boot()->window_addr;
}

/* The address that the boot page has; 0 without a window. */
SCONCE_EXPORT(uint64_t, address, (void))
{
    return sconce_boot()->window_addr;
}

/* Bytes that are attached; all ones where sconce_window says something else than the boot page. */
SCONCE_EXPORT(uint64_t, attached, (void))
{
    const struct sconce_boot *boot = sconce_boot();
    size_t bytes;
    const void *at = sconce_window(&bytes);
    bool right = bytes == boot->window_bytes &&
                 at == (bytes ? (const void *)boot->window_addr : (const void *)0);

    return right ? bytes : UINT64_MAX;
}

/* FNV-1a of all that is attached. */
SCONCE_EXPORT(uint64_t, digest, (void))
{
    size_t bytes;
    const uint8_t *at = sconce_window(&bytes);
    uint64_t sum = 0xcbf29ce484222325;

    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ at[i]) * 0x100000001b3;
    return sum;
}

/* How many of the @bytes bytes from @from on are not zero. */
SCONCE_EXPORT(uint64_t, not_zero, (uint64_t from, uint64_t bytes))
{
    const uint8_t *at = window() + from;
    uint64_t count = 0, word;

    for (; bytes % 8; bytes--)
        count += *at++ != 0;
    for (; bytes; bytes -= 8, at += 8) {
        memcpy(&word, at, sizeof word);
        for (; word; word >>= 8)
            count += (word & 0xff) != 0;
    }
    return count;
}

/* The byte at @place. */
SCONCE_EXPORT(uint32_t, byte_at, (uint64_t place))
{
    return *(const volatile uint8_t *)(window() + place);
}

/* GUEST_FAULT MEMORY write there. */
SCONCE_EXPORT(void, write_at, (uint64_t place))
{
    *(volatile uint8_t *)(uintptr_t)(window() + place) = 1;
}

/* GUEST_FAULT MEMORY execute there, where the backend enforces that. */
SCONCE_EXPORT(void, run_at, (uint64_t place))
{
    ((void (*)(void))(uintptr_t)(window() + place))();
}
