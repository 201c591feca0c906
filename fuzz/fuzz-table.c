/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: what a guest's file says behind its headers: note, relocations, names, dynamic section,
 * tables of exports and imports. The input lies over these parts of a correct guest, so that little
 * of it is wasted on files that fail at once.
 *
 * Input: one byte of options, then bytes that are added to the guest's own (0 changes nothing),
 * first over note to names, then over the data segment.
 */
#include <string.h>

#include "check-image.h"
#include "elf-builder.h"
#include "fuzz.h"

#define OPTION_FIXED 1u
#define OPTION_SELF 2u
#define OPTION_RELR 4u

static size_t overlay(uint8_t *to, size_t room, const uint8_t *data, size_t bytes)
{
    size_t n = bytes < room ? bytes : room;

    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(to[i] + data[i]);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct elf_options options = {0};
    struct elf_guest guest;
    uint8_t *exact;
    uint8_t *first;
    size_t used;

    if (bytes == 0)
        return 0;
    options.type = data[0] & OPTION_FIXED ? ET_EXEC : ET_DYN;
    options.self = (data[0] & OPTION_SELF) != 0;
    options.relr = (data[0] & OPTION_RELR) != 0;
    elf_guest_init(&guest, &options);
    data++;
    bytes--;
    first = (uint8_t *)guest.note_head;
    used = overlay(first, (size_t)(guest.bytes + guest.constants->p_filesz - first), data, bytes);
    overlay(guest.bytes + guest.data->p_offset, guest.data->p_filesz, data + used, bytes - used);

    exact = malloc(guest.size); /* so that a read behind its end is seen */
    FUZZ_CHECK(exact);
    memcpy(exact, guest.bytes, guest.size);
    fuzz_parse_image(exact, guest.size);
    free(exact);
    elf_guest_fini(&guest);
    return 0;
}
