/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that are not understood, and the log. */
#include "scene.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void scene_log(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_int_equal(client_run(&m), IO_PORT);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

/* The client closes what it does not know, and has a file of its own at the lowest number. */
static void scene_log_of_a_client_that_closes(void **state)
{
    char text[64];
    FILE *file;

    (void)state;
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    file = tmpfile();
    assert_non_null(file);
    scene_log(state);
    assert_int_equal(pread(fileno(file), text, sizeof text, 0), 0);
    fclose(file);
}

/* A client that gives up what it can once it has a partition: its root, its user. */
static void scene_client_that_gives_up_rights(void **state)
{
    const uint32_t zero = 0;
    uint64_t features;
    struct machine m;
    void *memory;

    (void)state;
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    m.dev = client_open();
    m.pt = client_partition(m.dev);
    assert_int_equal(ioctl(m.pt, INITIALIZE), 0);
    assert_int_equal(chroot("/proc/self/task"), 0); /* a folder without a /dev and a /proc */
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(setuid(65534), 0);

    assert_int_equal(client_get_property(m.pt, 0x6000a, &features, NULL), 0);
    m.vp = ioctl(m.pt, CREATE_VP, &zero);
    assert_true(m.vp >= 0);
    assert_int_equal(client_map(m.pt, memory, 4096, NOWHERE, WRITABLE), 0);
    assert_int_equal(client_map(m.pt, memory, 4096, NOWHERE, UNMAP), 0);
}

static const struct CMUnitTest scenes[] = {
    cmocka_unit_test(scene_client_that_gives_up_rights),
    cmocka_unit_test(scene_log),
    cmocka_unit_test(scene_log_of_a_client_that_closes),
};

static void test_plan_that_is_not_understood_ends_the_process(void **state)
{
    static const struct {
        const char *plan, *words;
    } bad[] = {
        {"nonsense", "plan item \"nonsense\" is not known"},
        {"eagain@nowhere", "there is no point \"nowhere\""},
        {"fire@run", "there is no fault \"fire\""},
        {"eagain@run", "eagain cannot be at run"},
        {"eintr@memory", "eintr cannot be at memory"},
        {"error@memory", "error needs =ERRNO"},
        {"message@run=tea", "message needs =NAME"},
        {"eintr@run:x", "which call is \"x\"?"},
        {"eintr@run:0", "which call is \"0\"?"},
        {"eintr@run:3-2", "which call is \"2\"?"},
        {"eintr@run:-1", "which call is \"\"?"},
        {"eintr@run:+1", "which call is \"+1\"?"},
        {"eintr@run: 1", "which call is \" 1\"?"},
        {"eintr@run=5", "eintr takes no value"},
        {"eagain@0x51=5", "eagain takes no value"},
        {"error@memory=0", "error needs =ERRNO"},
        {"error@memory=4096", "error needs =ERRNO"},
        {"error@memory=-12", "error needs =ERRNO"},
        {"status@0x44=0x10006", "status needs =NUMBER of 16 bits"},
        {"status@0x44", "status needs =NUMBER of 16 bits"},
        {"message@run", "message needs =NAME"},
        {"signal-races-message@run=65", "needs =SIGNAL's number"},
        {"signal-races-message@run=0", "needs =SIGNAL's number"},
        {"partial-reps@0x51=x", "=NUMBER of repetitions"},
        {"partial-reps@0x44", "partial-reps cannot be at 0x44"},
        {"eagain@0x53", "the driver lets no hypercall 0x53 through"},
        {"eagain@0x101", "the driver lets no hypercall 0x101 through"},
        {"eagain@0x0", "the driver lets no hypercall 0x0 through"},
        {"eagain@0x251", "there is no point \"0x251\""},
        {"error@hvcall=EIO", "error cannot be at hvcall"},
        {"eintr@run:1-3,eintr@run:3", "another fault strikes the same call"},
        {"no-v2", "plan item \"no-v2\" changes nothing here"},
        {"no-device,no-device", "plan item \"no-device\" changes nothing here"},
    };
    static const char *const newer[] = {"eagain@0x51", "partial-reps@0x51", "status@0x51=0xb"};
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int status = scene_start("scene_log", "MSHV_DOUBLE_PLAN", bad[i].plan, text);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        if (!strstr(text, bad[i].words))
            fail_msg("%s: %s", bad[i].plan, text);
    }
    scene_start("scene_log", "MSHV_DOUBLE_DRIVER", "7.7", text);
    assert_non_null(strstr(text, "MSHV_DOUBLE_DRIVER is 6.15 or newer"));
    assert_int_equal(scene_start("scene_log", "MSHV_DOUBLE_DRIVER", "", text), 0);
    setenv("MSHV_DOUBLE_DRIVER", "newer", 1);
    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
        scene_start("scene_log", "MSHV_DOUBLE_PLAN", newer[i], text);
        assert_non_null(strstr(text, "the newer driver asks again by itself"));
    }
    unsetenv("MSHV_DOUBLE_DRIVER");
}

static unsigned count(const char *text, const char *words)
{
    unsigned found = 0;

    for (const char *at = strstr(text, words); at; at = strstr(at + 1, words))
        found++;
    return found;
}

static void expect_log(const char *scene)
{
    char name[] = "mshv-double-log-XXXXXX", text[4096], log[16384] = "";
    int file = mkstemp(name), status;

    assert_true(file >= 0);
    status = scene_start(scene, "MSHV_DOUBLE_LOG", name, text);
    assert_true(read(file, log, sizeof log - 1) > 0);
    close(file);
    unlink(name);

    assert_int_equal(status, 0);
    assert_int_equal(count(log, "create-partition "), 1);
    assert_int_equal(count(log, "map 0 "), 2);
    assert_int_equal(count(log, "run 0 message="), 2);
    assert_int_equal(count(log, "run 0 message=0x80010000"), 1);
    assert_int_equal(count(log, "hvcall-0x51 0 status=0x0 reps=1/1"), 12);
    assert_int_equal(count(log, "destroy-partition"), 1);
}

static void test_log_has_a_line_for_each_call(void **state)
{
    (void)state;
    expect_log("scene_log");
}

static void test_log_is_at_no_number_of_the_clients(void **state)
{
    (void)state;
    expect_log("scene_log_of_a_client_that_closes");
}

static void test_partition_works_when_the_client_has_given_up_its_rights(void **state)
{
    char text[4096];

    (void)state;
    if (geteuid() != 0)
        skip();
    if (scene_start("scene_client_that_gives_up_rights", "MSHV_DOUBLE_PLAN", "", text) != 0)
        fail_msg("%s", text);
}

static void test_device_is_played_by_the_double(void **state)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;
    char line[512];

    (void)state;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        found |= strstr(line, "libmshv-double.so") != NULL;
    fclose(maps);
    assert_true(found);
}

static void test_suite_fails_when_nobody_serves_the_device(void **state)
{
    char text[4096];
    int status = scene_start("check", "MSHV_DOUBLE_PLAN", "no-device", text);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(text, "nobody serves /dev/mshv"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_that_is_not_understood_ends_the_process),
        cmocka_unit_test(test_log_has_a_line_for_each_call),
        cmocka_unit_test(test_log_is_at_no_number_of_the_clients),
        cmocka_unit_test(test_partition_works_when_the_client_has_given_up_its_rights),
        cmocka_unit_test(test_device_is_played_by_the_double),
        cmocka_unit_test(test_suite_fails_when_nobody_serves_the_device),
    };

    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return client_check();
    return argc == 2 ? SCENE_PLAY(scenes, argv[1]) : CLIENT_MAIN(tests);
}
