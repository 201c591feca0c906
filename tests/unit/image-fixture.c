/* SPDX-License-Identifier: Apache-2.0 */
/* Holds one guest and one image; asserts through cmocka, so only for use inside its tests. */
#include "image-fixture.h"

#include <stdlib.h>

#define NAME "test.elf"

int image_fixture_setup(void **state)
{
    struct image_fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    *state = f;
    f->reloc_relative = ELF_RELATIVE;
    f->limit = IMAGE_LIMIT;
    image_fixture_rebuild(f, NULL);
    return 0;
}

int image_fixture_teardown(void **state)
{
    struct image_fixture *f = *state;

    sconce_image_free(f->image);
    elf_guest_fini(&f->guest);
    free(f);
    return 0;
}

void image_fixture_rebuild(struct image_fixture *f, const struct elf_options *options)
{
    elf_guest_fini(&f->guest);
    elf_guest_init(&f->guest, options);
    image_fixture_accepted(f);
}

int image_fixture_parse(struct image_fixture *f)
{
    uint8_t *exact = malloc(f->guest.size ? f->guest.size : 1);
    int r;

    assert_non_null(exact);
    memcpy(exact, f->guest.bytes, f->guest.size);
    sconce_image_free(f->image);
    f->image = NULL;
    memset(&f->err, 0, sizeof f->err);
    r = sconce_image_new(exact, f->guest.size, NAME, f->reloc_relative, f->limit, &f->image,
                         &f->err);
    free(exact); /* the image may keep nothing of it: AddressSanitizer would see */
    return r;
}

void image_fixture_accepted(struct image_fixture *f)
{
    int r = image_fixture_parse(f);

    if (r != 0)
        fail_msg("refused: %s", f->err.text);
    assert_non_null(f->image);
}

void image_fixture_refused(struct image_fixture *f, const char *why)
{
    int r = image_fixture_parse(f);

    assert_int_equal(r, SCONCE_E_GUEST_FORMAT);
    assert_int_equal(f->err.code, SCONCE_E_GUEST_FORMAT);
    assert_null(f->image);
    assert_memory_equal(f->err.text, "cannot load guest " NAME ": ",
                        strlen("cannot load guest " NAME ": "));
    if (!strstr(f->err.text, why))
        fail_msg("\"%s\" is not in: %s", why, f->err.text);
}

uint64_t image_fixture_word(const struct image_fixture *f, uint64_t gpa)
{
    uint64_t word = 0;

    for (uint32_t i = 0; i < f->image->segment_count; i++) {
        const struct sconce_image_segment *s = &f->image->segments[i];

        if (gpa < s->gpa || gpa + sizeof word > s->gpa + s->bytes)
            continue;
        for (uint64_t n = 0; n < sizeof word; n++)
            if (gpa - s->gpa + n < s->init_bytes)
                word |= (uint64_t)s->init[gpa - s->gpa + n] << (8 * n);
        return word;
    }
    fail_msg("0x%llx is not in the image", (unsigned long long)gpa);
    return 0;
}
