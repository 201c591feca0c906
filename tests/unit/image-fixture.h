/* SPDX-License-Identifier: Apache-2.0 */
/* A guest of elf-builder.h and what core/image.h makes of it, for the tests of core/image*.c. */
#ifndef SCONCE_TESTS_IMAGE_FIXTURE_H
#define SCONCE_TESTS_IMAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/image.h"
#include "elf-builder.h"

#define IMAGE_LIMIT (64ull << 20)

struct image_fixture {
    struct elf_guest guest;
    uint32_t reloc_relative; /* ELF_RELATIVE */
    uint64_t limit;          /* IMAGE_LIMIT */
    struct sconce_image *image;
    struct sconce_error err;
};

/* cmocka's, with *state the fixture: a default guest that was seen to be accepted. */
int image_fixture_setup(void **state);
int image_fixture_teardown(void **state);

/** image_fixture_rebuild - another correct guest; it too must be accepted. */
void image_fixture_rebuild(struct image_fixture *f, const struct elf_options *options);

/** image_fixture_parse - parse the guest as it is now, from memory of exactly its size. */
int image_fixture_parse(struct image_fixture *f);

void image_fixture_accepted(struct image_fixture *f);

/** image_fixture_refused - the guest as it is now is refused, @why being in the text. */
void image_fixture_refused(struct image_fixture *f, const char *why);

/** image_fixture_word - 64 bits of the image's initial memory at @gpa, which must be mapped. */
uint64_t image_fixture_word(const struct image_fixture *f, uint64_t gpa);

#define IMAGE_TEST(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, image_fixture_setup, image_fixture_teardown)

#endif
