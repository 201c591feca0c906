/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/mshv as a name: by every path, and what can be asked about it without opening it. */
#include "scene.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_served(int fd)
{
    const struct creation args = {0};
    int pt = fd < 0 ? -1 : ioctl(fd, CREATE_PARTITION, &args);

    close(pt);
    close(fd);
    return pt >= 0;
}

static void test_every_path_leads_to_the_device(void **state)
{
    int dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_true(is_served(open("/dev//mshv", O_RDWR | O_CLOEXEC)));
    assert_true(is_served(open("/dev/../dev/./mshv", O_RDWR | O_CLOEXEC)));
    assert_true(is_served(openat(dev, "mshv", O_RDWR | O_CLOEXEC)));
    assert_true(is_served(openat(here, "/dev/mshv", O_RDWR | O_CLOEXEC)));
    assert_int_equal(fchdir(dev), 0);
    assert_true(is_served(open("mshv", O_RDWR | O_CLOEXEC)));
    assert_true(is_served(open("./mshv", O_RDWR | O_CLOEXEC)));
    assert_int_equal(fchdir(here), 0);
    assert_fails(open("mshv", O_RDWR | O_CLOEXEC), ENOENT);
    assert_fails(openat(here, "mshv", O_RDWR | O_CLOEXEC), ENOENT);
    close(dev);
    close(here);
}

static void test_device_is_a_file_for_root_alone(void **state)
{
    int dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    struct statx stx;

    (void)state;
    memset(&st, 0xff, sizeof st);
    assert_int_equal(stat("/dev/mshv", &st), 0);
    assert_int_equal(st.st_mode, S_IFCHR | 0600);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(lstat("/dev/mshv", &st), 0);
    assert_int_equal(fstatat(dev, "mshv", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFCHR | 0600);
    assert_int_equal(statx(dev, "mshv", 0, STATX_BASIC_STATS, &stx), 0);
    assert_int_equal(stx.stx_mode, S_IFCHR | 0600);
    assert_int_equal(access("/dev/mshv", R_OK | W_OK), 0);
    assert_fails(access("/dev/mshv", X_OK), EACCES);
    assert_int_equal(faccessat(dev, "mshv", F_OK, 0), 0);
    assert_int_equal(euidaccess("/dev/mshv", R_OK), 0);
    close(dev);
}

static void scene_no_device(void **state)
{
    struct stat st;

    (void)state;
    assert_fails(stat("/dev/mshv", &st), ENOENT);
    assert_fails(access("/dev/mshv", F_OK), ENOENT);
}

static const struct CMUnitTest scenes[] = {cmocka_unit_test(scene_no_device)};

static void test_device_that_is_missing_has_no_name(void **state)
{
    char text[4096];

    (void)state;
    if (scene_start("scene_no_device", "MSHV_DOUBLE_PLAN", "no-device", text) != 0)
        fail_msg("%s", text);
}

static void test_flags_of_open_are_kept(void **state)
{
    int fd = open("/dev/mshv", O_RDONLY | O_NONBLOCK);

    (void)state;
    assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
    assert_int_equal(fcntl(fd, F_GETFD), 0);
    assert_true(is_served(fd));
    assert_fails(open("/dev/mshv", O_RDWR | O_DIRECTORY), ENOTDIR);
    assert_fails(open("/dev/mshv", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
}

static void test_paths_that_cannot_be_read_are_efault(void **state)
{
    const char *volatile bad = (const char *)8;

    (void)state;
    assert_fails(open(bad, O_RDONLY), EFAULT);
    assert_fails(access(bad, F_OK), EFAULT);
}

/* open() of a FIFO waits for a writer, and a thread that waits there can be cancelled. */
static void *open_thread(void *argument)
{
    return (void *)(long)open(argument, O_RDONLY | O_CLOEXEC);
}

static void test_thread_can_be_cancelled_in_calls_that_are_libcs(void **state)
{
    char folder[] = "mshv-double-XXXXXX", name[64] = "";
    pthread_t thread;
    void *result;

    (void)state;
    assert_non_null(mkdtemp(folder));
    strcat(strcat(strcpy(name, folder), "/"), "fifo");
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, open_thread, name), 0);
    assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    unlink(name);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_path_leads_to_the_device),
        cmocka_unit_test(test_device_is_a_file_for_root_alone),
        cmocka_unit_test(test_device_that_is_missing_has_no_name),
        cmocka_unit_test(test_flags_of_open_are_kept),
        cmocka_unit_test(test_paths_that_cannot_be_read_are_efault),
        cmocka_unit_test(test_thread_can_be_cancelled_in_calls_that_are_libcs),
    };

    return argc == 2 ? SCENE_PLAY(scenes, argv[1]) : CLIENT_MAIN(tests);
}
