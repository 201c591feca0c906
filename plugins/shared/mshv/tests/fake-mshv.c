/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/mshv/tests/fake-mshv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/process.h"

struct fake fake;
struct sconce_plugin_error error;

int __wrap_open64(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
void *__wrap_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
void *__real_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t bytes);
int __real_munmap(void *at, size_t bytes);
int __wrap_close(int fd);
int __real_close(int fd);
int __wrap_sconce_off_streams(int fd);

static _Alignas(4096) uint8_t register_page[4096];

static int answer(int errnum, int fd)
{
    errno = errnum;
    return errnum ? -1 : fd;
}

/* One more descriptor, if it is one. */
static int give(int errnum, int fd)
{
    fake.fds += errnum == 0;
    return answer(errnum, fd);
}

static bool strikes(void)
{
    return ++fake.calls == fake.fail_at;
}

int __wrap_open64(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return give(strikes() ? fake.fail_errno : fake.open_errno, FAKE_DEVICE_FD);
}

int __wrap_sconce_off_streams(int fd)
{
    return fd;
}

int __wrap_close(int fd)
{
    if (fd != FAKE_DEVICE_FD && fd != FAKE_PARTITION_FD && fd != FAKE_VP_FD)
        return __real_close(fd);
    assert_in_range(fake.fds, 1, 100);
    fake.fds--;
    return 0;
}

static int create(const struct mshv_create_partition_v2 *given)
{
    unsigned n = fake.creations++;
    size_t bytes =
        given->v1.flags & MSHV_PT_CPU_AND_XSAVE_FEATURES ? sizeof *given : sizeof given->v1;

    assert_in_range(n, 0, 7);
    memcpy(&fake.created[n], given, bytes);
    return give(fake.create_errno[n], FAKE_PARTITION_FD);
}

/* Elements are behind the head, whose size the code tells. */
static size_t head_bytes(uint16_t code)
{
    return code == MSHV_HVCALL_GET_VP_CPUID_VALUES ? 24 : sizeof(struct mshv_register_head);
}

static void repeat(const struct mshv_root_hvcall *args, uint16_t done)
{
    const uint8_t *in = (const uint8_t *)(uintptr_t)args->in;
    uint8_t *out = (uint8_t *)(uintptr_t)args->out;
    size_t head = args->reps ? head_bytes(args->code) : args->in_bytes;
    size_t each = args->reps ? (args->in_bytes - head) / args->reps : 0;
    size_t each_out = args->reps ? args->out_bytes / (size_t)args->reps : 0;

    for (uint16_t i = 0; fake.repetition && i < (args->reps ? done : 1); i++)
        fake.repetition(args->code, in, in + head + i * each, out ? out + i * each_out : NULL);
}

static int hvcall(struct mshv_root_hvcall *args)
{
    static const struct fake_hvcall fine = {.done = FAKE_ALL};
    size_t n = fake.hvcalls_made++;
    const struct fake_hvcall *as = &fine;
    uint16_t done;

    if (fake.hvcall_count)
        as = &fake.hvcalls[n < fake.hvcall_count ? n : fake.hvcall_count - 1];
    assert_int_equal(args->status, 0);
    assert_in_range(args->in_bytes, 8, MSHV_HVCALL_BYTES);
    assert_in_range(args->out_bytes, 0, MSHV_HVCALL_BYTES);
    fake.last_in_bytes = args->in_bytes;
    fake.last_out_bytes = args->out_bytes;
    fake.last_reps = args->reps;
    done = as->done < args->reps ? as->done : args->reps;
    if (!as->untouched) {
        if (as->status == 0 || done)
            repeat(args, done);
        args->status = as->status;
        args->reps = done;
    }
    return answer(as->errnum, 0);
}

static int set_memory(const struct mshv_user_mem_region *region)
{
    assert_in_range(fake.region_count, 0, 79);
    fake.regions[fake.region_count++] = *region;
    if (!fake.memory_errno)
        fake.live_regions += region->flags & MSHV_REGION_UNMAP ? -1 : 1;
    return answer(fake.memory_errno, 0);
}

static int of_vp(unsigned long request, void *argument)
{
    switch (request) {
    case MSHV_RUN_VP:
        fake.runs++;
        return answer(fake.run ? fake.run(argument) : 0, 0);
    case MSHV_GET_VP_STATE:
    case MSHV_SET_VP_STATE:
        return answer(fake.state ? fake.state(request == MSHV_SET_VP_STATE, argument) : 0, 0);
    case MSHV_ROOT_HVCALL:
        return hvcall(argument);
    default:
        return answer(ENOTTY, 0);
    }
}

/* What a call that fails leaves: nothing, but a hypercall's status. */
static int fail_call(unsigned long request, void *argument)
{
    const struct mshv_user_mem_region *region = argument;
    struct mshv_root_hvcall *args = argument;

    if (request == MSHV_ROOT_HVCALL && fake.fail_status) {
        args->status = fake.fail_status;
        args->reps = 0;
    }
    /* A region that is not unmapped ends with its partition. */
    if (request == MSHV_SET_GUEST_MEMORY && (region->flags & MSHV_REGION_UNMAP))
        fake.live_regions--;
    return answer(fake.fail_errno, 0);
}

/* The numbers overlap: which they are is the descriptor's. */
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    if (strikes())
        return fail_call(request, argument);
    if (fd == FAKE_VP_FD)
        return of_vp(request, argument);
    if (fd == FAKE_DEVICE_FD)
        return request == MSHV_CREATE_PARTITION ? create(argument) : answer(ENOTTY, 0);
    assert_int_equal(fd, FAKE_PARTITION_FD);
    switch (request) {
    case MSHV_INITIALIZE_PARTITION:
        fake.initializations++;
        return answer(fake.initialize_errno, 0);
    case MSHV_CREATE_VP:
        assert_in_range(fake.initializations, 1, 8);
        return give(fake.create_vp_errno, FAKE_VP_FD);
    case MSHV_SET_GUEST_MEMORY:
        return set_memory(argument);
    case MSHV_ROOT_HVCALL:
        return hvcall(argument);
    default:
        return answer(ENOTTY, 0);
    }
}

void *__wrap_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    void *to = register_page;

    if (fd == FAKE_VP_FD) {
        assert_int_equal(offset, 0);
        if (answer(strikes() ? fake.fail_errno : fake.mmap_errno, 0) < 0)
            to = MAP_FAILED;
    } else {
        to = __real_mmap64(at, bytes, prot, flags, fd, offset);
    }
    fake.maps += to != MAP_FAILED;
    return to;
}

int __wrap_munmap(void *at, size_t bytes)
{
    fake.maps--;
    return at == register_page ? 0 : __real_munmap(at, bytes);
}

int fake_start_over(void **state)
{
    (void)state;
    sconce_process_id(); /* maps a page for ever */
    memset(&fake, 0, sizeof fake);
    memset(register_page, 0, sizeof register_page);
    return 0;
}

struct sconce_plugin_error *fresh(void)
{
    error = (struct sconce_plugin_error){.size = sizeof error};
    return &error;
}

void expect_error(const char *text, const char *hint)
{
    assert_string_equal(error.text, text);
    assert_string_equal(error.hint, hint);
}

void expect_nothing_left(void)
{
    assert_int_equal(fake.fds, 0);
    assert_int_equal(fake.maps, 0);
    assert_int_equal(fake.live_regions, 0);
}
