/* SPDX-License-Identifier: Apache-2.0 */
/* core/window.c: files that come in pieces or fail half-way, what is cleaned, and how. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "common/process.h"
#include "core/window.h"
#include "sconce-plugin.h"

#define GRANULE ((uint64_t)SCONCE_GUEST_GRANULE)
#define ROOM (SCONCE_WINDOW_KEPT_BYTES * 2 + 16 * GRANULE)
#define LARGE (SCONCE_WINDOW_KEPT_BYTES + 5)
#define BEHIND 3u /* bytes that a failing read leaves behind what it says */

struct fixture {
    struct sconce_image image;
    struct sconce_backend backend;
    struct sconce_guest guest;
    struct sconce_sandbox sandbox;
    struct sconce_error err;
};

/* ---- pread ----------------------------------------------------------------------------------- */

/* What each call of pread comes to: bytes, 0 for the end, or a negative errno. Then all it is asked
 * for. */
static struct {
    ssize_t steps[4];
    size_t step;
    off_t offsets[8];
    size_t calls;
} file;

ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off_t offset);

ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset)
{
    ssize_t step = file.steps[file.step];

    assert_int_equal(fd, 7);
    if (file.step < sizeof file.steps / sizeof file.steps[0] - 1)
        file.step++;
    if (file.calls < sizeof file.offsets / sizeof file.offsets[0])
        file.offsets[file.calls++] = offset;
    if (step < 0) {
        memset(to, 0xee, BEHIND);
        errno = (int)-step;
        return -1;
    }
    step = (size_t)step < bytes ? step : (ssize_t)bytes;
    memset(to, 0x11, (size_t)step);
    return step;
}

/* Its name where file offsets have 64 bits by choice. */
ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off_t offset)
{
    return __wrap_pread(fd, to, bytes, offset);
}

static void play(ssize_t a, ssize_t b, ssize_t c, ssize_t d)
{
    memset(&file, 0, sizeof file);
    file.steps[0] = a;
    file.steps[1] = b;
    file.steps[2] = c;
    file.steps[3] = d;
}

/* ---- A sandbox ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    static const struct sconce_limits limits = {
        .heap_bytes = 1 << 16, .stack_bytes = 1 << 16, .io_bytes = 1 << 16};
    struct fixture *f = calloc(1, sizeof *f);
    struct sconce_layout *layout;

    assert_non_null(f);
    layout = &f->sandbox.layout;
    f->image.segment_count = 1;
    f->image.start = 0x400000;
    f->image.end = 0x410000;
    f->image.segments[0] = (struct sconce_image_segment){
        .gpa = 0x400000, .bytes = GRANULE, .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE};
    f->backend.probe.caps = SCONCE_CAP_FOLLOWS_HOST_MM;
    f->guest.image = &f->image;
    f->guest.backend = &f->backend;
    f->sandbox.guest = &f->guest;
    f->sandbox.process = sconce_process_id();
    atomic_init(&f->sandbox.held, false);
    sconce_sandbox_set_state(&f->sandbox, SCONCE_STATE_READY);
    assert_int_equal(sconce_layout_make(&f->image, &limits, layout, NULL), 0);
    assert_int_equal(sconce_layout_add_window(layout, ROOM, NULL), 0);
    assert_int_equal(sconce_arena_init(&f->sandbox.arena, "test", layout->arena_bytes, NULL), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sconce_arena_fini(&f->sandbox.arena);
    free(f);
    return 0;
}

static const uint8_t *window(const struct fixture *f)
{
    return f->sandbox.arena.host + f->sandbox.layout.window.offset;
}

/* The guest's view: @bytes times @byte, then zeros to the end; and the boot page says so. */
static void assert_window(const struct fixture *f, uint8_t byte, uint64_t bytes)
{
    struct sconce_boot boot;

    memcpy(&boot, f->sandbox.arena.host + f->sandbox.layout.boot.offset, sizeof boot);
    assert_int_equal(boot.window_bytes, bytes);
    for (uint64_t i = 0; i < ROOM; i++)
        if (window(f)[i] != (i < bytes ? byte : 0))
            fail_msg("byte %llu is %u", (unsigned long long)i, window(f)[i]);
}

/* Bytes of the window that take memory. */
static uint64_t populated(const struct fixture *f)
{
    const uint64_t from = f->sandbox.layout.window.offset, end = from + ROOM;
    uint64_t start, stop, bytes = 0;

    for (uint64_t at = from; sconce_arena_populated(&f->sandbox.arena, at, end, &start, &stop);
         at = stop)
        bytes += stop - start;
    return bytes;
}

static int attach_fd(struct fixture *f, uint64_t offset, uint64_t bytes)
{
    return sconce_sandbox_attach_fd(&f->sandbox, 7, offset, bytes, &f->err);
}

static void attach_ones(struct fixture *f, uint64_t bytes)
{
    uint8_t *data = malloc(bytes);

    assert_non_null(data);
    memset(data, 1, bytes);
    assert_int_equal(sconce_sandbox_attach(&f->sandbox, data, bytes, &f->err), 0);
    free(data);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void test_attach_fd_goes_on_after_signals_and_short_reads(void **state)
{
    struct fixture *f = *state;

    play(-EINTR, 100, -EINTR, 1 << 20);
    assert_int_equal(attach_fd(f, 4000, 1000), 0);

    assert_window(f, 0x11, 1000);
    assert_int_equal(file.calls, 4);
    assert_int_equal(file.offsets[1], 4000);
    assert_int_equal(file.offsets[2], 4100);
    assert_int_equal(file.offsets[3], 4100);
}

static void test_attach_fd_of_a_short_file_says_where_it_ends(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, 3000);
    play(600, 0, 0, 0);
    assert_int_equal(attach_fd(f, 5, 1000), SCONCE_E_SYSTEM);

    assert_non_null(strstr(f->err.text,
                           "cannot attach 1000 bytes at offset 5 of file descriptor 7: "
                           "it ends after 600 of them"));
    assert_true(f->err.hint[0]);
    assert_window(f, 0, 0);
}

static void test_attach_fd_that_fails_half_way_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, 3000);
    play(5000, -EIO, 0, 0);
    assert_int_equal(attach_fd(f, 0, LARGE), SCONCE_E_SYSTEM);

    assert_non_null(strstr(f->err.text, "Input/output error"));
    assert_window(f, 0, 0);
}

static void test_attach_fd_that_fails_takes_no_memory_for_what_it_did_not_read(void **state)
{
    struct fixture *f = *state;

    f->backend.probe.caps = 0;
    play(-EIO, 0, 0, 0);
    assert_int_equal(attach_fd(f, 0, ROOM), SCONCE_E_SYSTEM);

    assert_in_range(populated(f), 0, 65536);
    assert_window(f, 0, 0);
}

static void test_attach_fd_of_a_pipe_has_a_hint(void **state)
{
    struct fixture *f = *state;

    play(-ESPIPE, 0, 0, 0);
    assert_int_equal(attach_fd(f, 0, 10), SCONCE_E_SYSTEM);

    assert_non_null(strstr(f->err.hint, "into memory"));
}

static void test_attach_fd_at_impossible_offsets_is_refused_unread(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, 3000);
    play(10, 0, 0, 0);
    assert_int_equal(attach_fd(f, UINT64_MAX, 2), SCONCE_E_INVALID);
    assert_int_equal(attach_fd(f, INT64_MAX, 1), SCONCE_E_INVALID);
    assert_int_equal(attach_fd(f, 0, UINT64_MAX), SCONCE_E_INVALID);
    assert_int_equal(attach_fd(f, 0, ROOM + 1), SCONCE_E_LIMIT);

    assert_int_equal(file.calls, 0);
    assert_window(f, 1, 3000);
}

/* ---- What is cleaned ------------------------------------------------------------------------- */

static void test_attach_of_less_zeroes_the_rest(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, LARGE);
    attach_ones(f, 4097);
    assert_window(f, 1, 4097);
    attach_ones(f, 0);
    assert_window(f, 0, 0);
}

static void test_detach_of_little_keeps_its_memory(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, 16 * GRANULE);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);

    assert_int_equal(populated(f), 16 * GRANULE);
    assert_window(f, 0, 0);
}

static void test_detach_of_much_gives_memory_back(void **state)
{
    struct fixture *f = *state;

    attach_ones(f, LARGE);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);

    /* Of the last page only a part was attached. */
    assert_in_range(populated(f), 0, 65536);
    assert_window(f, 0, 0);
}

/* Each step down is small; what is kept in all is not more for it. */
static void test_attach_of_less_and_less_keeps_no_more_memory(void **state)
{
    struct fixture *f = *state;

    for (uint64_t bytes = ROOM; bytes > SCONCE_WINDOW_KEPT_BYTES / 4;
         bytes -= SCONCE_WINDOW_KEPT_BYTES / 4)
        attach_ones(f, bytes);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);

    assert_in_range(populated(f), 0, SCONCE_WINDOW_KEPT_BYTES + 65536);
    assert_window(f, 0, 0);
}

/* Its guest would go on to see the old pages. */
static void test_detach_punches_no_hole_where_the_guest_does_not_follow(void **state)
{
    struct fixture *f = *state;

    f->backend.probe.caps = 0;
    attach_ones(f, LARGE);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);

    assert_true(populated(f) >= LARGE);
    assert_window(f, 0, 0);
}

/* ---- Who may --------------------------------------------------------------------------------- */

static void test_attach_wants_ready_and_detach_any_state(void **state)
{
    static const uint32_t states[] = {SCONCE_STATE_POISONED, SCONCE_STATE_DEAD};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        sconce_sandbox_set_state(&f->sandbox, SCONCE_STATE_READY);
        attach_ones(f, 3000);
        sconce_sandbox_set_state(&f->sandbox, states[i]);
        assert_int_equal(sconce_sandbox_attach(&f->sandbox, "x", 1, &f->err), SCONCE_E_STATE);
        assert_true(f->err.hint[0]);
        assert_window(f, 1, 3000);
        assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);
        assert_window(f, 0, 0);
    }
}

static void test_attach_to_a_sandbox_in_use_is_busy(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(sconce_sandbox_hold(&f->sandbox, NULL), 0);
    assert_int_equal(sconce_sandbox_attach(&f->sandbox, "x", 1, &f->err), SCONCE_E_BUSY);
    assert_int_equal(attach_fd(f, 0, 1), SCONCE_E_BUSY);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), SCONCE_E_BUSY);
    sconce_sandbox_release(&f->sandbox);
    assert_int_equal(sconce_sandbox_attach(&f->sandbox, "x", 1, &f->err), 0);
}

static void test_attach_logs_nothing_as_written_by_the_guest(void **state)
{
    struct fixture *f = *state;
    uint64_t start, end;

    assert_true(sconce_page_set_init(&f->sandbox.arena.written,
                                     sconce_layout_own_bytes(&f->sandbox.layout)));
    attach_ones(f, LARGE);
    sconce_sandbox_wrote(&f->sandbox, f->sandbox.layout.window.gpa, ROOM);
    assert_int_equal(sconce_sandbox_detach(&f->sandbox, &f->err), 0);

    assert_false(sconce_page_set_next(&f->sandbox.arena.written, 0, &start, &end));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_attach_fd_goes_on_after_signals_and_short_reads),
        TEST(test_attach_fd_of_a_short_file_says_where_it_ends),
        TEST(test_attach_fd_that_fails_half_way_leaves_nothing),
        TEST(test_attach_fd_that_fails_takes_no_memory_for_what_it_did_not_read),
        TEST(test_attach_fd_of_a_pipe_has_a_hint),
        TEST(test_attach_fd_at_impossible_offsets_is_refused_unread),
        TEST(test_attach_of_less_zeroes_the_rest),
        TEST(test_detach_of_little_keeps_its_memory),
        TEST(test_detach_of_much_gives_memory_back),
        TEST(test_attach_of_less_and_less_keeps_no_more_memory),
        TEST(test_detach_punches_no_hole_where_the_guest_does_not_follow),
        TEST(test_attach_wants_ready_and_detach_any_state),
        TEST(test_attach_to_a_sandbox_in_use_is_busy),
        TEST(test_attach_logs_nothing_as_written_by_the_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
