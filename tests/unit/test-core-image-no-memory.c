/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/image*.c when memory runs out: every allocation of a parse fails once. Linked with
 * -Wl,--wrap for the allocators, which does not reach into libelf.
 */
#include "image-fixture.h"

#include <stdbool.h>
#include <stdlib.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);

static long until_failure = -1; /* allocations that still succeed; negative: all */

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    return fails() ? NULL : __real_strndup(text, bytes);
}

/* What is not freed, AddressSanitizer's leak check finds. */
static void fail_each(struct image_fixture *f)
{
    struct sconce_image *image = NULL;
    long n = 0;
    int r = SCONCE_E_NO_MEMORY;

    for (; r == SCONCE_E_NO_MEMORY; n++) {
        memset(&f->err, 0, sizeof f->err);
        until_failure = n;
        r = sconce_image_new(f->guest.bytes, f->guest.size, "x", ELF_RELATIVE, IMAGE_LIMIT, &image,
                             &f->err);
        until_failure = -1;
        if (r != 0) {
            assert_int_equal(r, SCONCE_E_NO_MEMORY);
            assert_memory_equal(f->err.text, "cannot load guest x: no memory for ", 35);
            assert_null(image);
        }
    }
    assert_int_equal(r, 0);
    assert_true(n > 15); /* image, name, contents, two tables, a name and a text a function */
    sconce_image_free(image);
}

static void test_image_without_memory_fails_cleanly(void **state)
{
    fail_each(*state);
}

static void test_image_that_relocates_itself_without_memory_fails_cleanly(void **state)
{
    struct image_fixture *f = *state;

    image_fixture_rebuild(f, &(struct elf_options){.self = true});
    fail_each(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_image_without_memory_fails_cleanly),
        IMAGE_TEST(test_image_that_relocates_itself_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
