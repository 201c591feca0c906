/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is around a guest, as the kernel shows it from outside: of a guest's process and of the
 * zygote what they map, hold, may and are called. A process that cannot be dumped is root's to look
 * into; others skip what they cannot see.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/tests/proc.h"
#include "sconce-ext-lifecycle.h"

static struct spinner spinner;
static pid_t zygote, child;

static int start_guest(void **state)
{
    (void)state;
    spinner_start(&spinner);
    zygote = proc_only_child(getpid(), "sconce-zygote");
    child = proc_only_child(zygote, "sconce-guest");
    return 0;
}

static int stop_guest(void **state)
{
    (void)state;
    spinner_stop(&spinner);
    guest_free(&spinner.guest);
    return spinner.kind == SCONCE_EXIT_CANCELLED ? 0 : -1;
}

/* ---- Address spaces ------------------------------------------------------------------------ */

struct range {
    uint64_t from, to;
    const char *prot;
};

/* One line of /proc/PID/maps; the kernel's page of old entry points is not of the process. */
static bool next_range(const char **text, struct range *ret_range, char prot[5])
{
    while (**text) {
        const char *line = *text;
        const char *end = strchr(line, '\n');

        *text = end ? end + 1 : line + strlen(line);
        if (strstr(line, "[vsyscall]") && strstr(line, "[vsyscall]") < *text)
            continue;
        assert_int_equal(
            sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &ret_range->from, &ret_range->to, prot), 3);
        return true;
    }
    return false;
}

static void test_child_maps_the_guest_the_stub_and_the_control_area_alone(void **state)
{
    static const struct range want[] = {
        {CODE_GPA, CODE_GPA + SCONCE_MEM_GRANULE, "r-xs"},
        {DATA_GPA, DATA_GPA + SCONCE_MEM_GRANULE, "rw-s"},
        {STACK_GPA, STACK_GPA + SCONCE_MEM_GRANULE, "rw-s"},
        {SCONCE_STUB_AT, SCONCE_STUB_AT + SCONCE_STUB_PAGE, "r-xp"},
        {SCONCE_CONTROL_AT, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES, "rw-s"},
    };
    const char *text = proc_text(child, "maps");
    struct range got;
    char prot[5];

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_true(next_range(&text, &got, prot));
        assert_int_equal(got.from, want[i].from);
        assert_int_equal(got.to, want[i].to);
        assert_string_equal(prot, want[i].prot);
    }
    assert_false(next_range(&text, &got, prot));
}

/* Nothing of the host's: no heap, no library, no vdso. */
static void test_zygote_maps_code_and_stack_alone(void **state)
{
    const char *text = proc_text(zygote, "maps");
    struct range got;
    unsigned code = 0, stack = 0;
    char prot[5];

    (void)state;
    while (next_range(&text, &got, prot)) {
        code += strcmp(prot, "r-xp") == 0;
        stack += strcmp(prot, "rw-p") == 0;
        assert_in_range(got.to - got.from, 4096, 65536);
    }
    assert_int_equal(code, 1);
    assert_int_equal(stack, 1);
    assert_null(strstr(proc_text(zygote, "maps"), "[stack]"));
    assert_null(strstr(proc_text(zygote, "maps"), "[heap]"));
    assert_null(strstr(proc_text(zygote, "maps"), "[vdso]"));
}

/* ---- Descriptors --------------------------------------------------------------------------- */

static void test_child_holds_no_descriptor(void **state)
{
    (void)state;
    assert_int_equal(proc_entries(child, "fd"), 0);
}

/* Its socket, and its host's life. */
static void test_zygote_holds_two_descriptors(void **state)
{
    (void)state;
    assert_int_equal(proc_entries(zygote, "fd"), 2);
}

/* ---- What they may ------------------------------------------------------------------------- */

static void assert_status(pid_t pid, const char *key, const char *want)
{
    char value[64];

    proc_value(pid, key, value, sizeof value);
    if (strcmp(value, want) != 0)
        fail_msg("%s is %s, not %s", key, value, want);
}

static void expect_no_capabilities(pid_t pid)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        assert_status(pid, sets[i], "0000000000000000");
    assert_status(pid, "NoNewPrivs", "1");
}

static void test_child_has_no_privileges_and_a_filter(void **state)
{
    (void)state;
    expect_no_capabilities(child);
    assert_status(child, "Seccomp", "2");
    assert_status(child, "Threads", "1");
}

static void test_zygote_has_no_privileges(void **state)
{
    (void)state;
    expect_no_capabilities(zygote);
    assert_status(zygote, "Threads", "1");
}

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

static void test_child_takes_the_seven_signals_alone(void **state)
{
    const uint64_t seven = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGFPE) | bit(SIGTRAP) |
                           bit(SIGSYS) | bit(SIGUSR1);
    char want[32];

    (void)state;
    snprintf(want, sizeof want, "%016" PRIx64, seven);
    assert_status(child, "SigCgt", want);
    snprintf(want, sizeof want, "%016" PRIx64, ~(seven | bit(SIGKILL) | bit(SIGSTOP)));
    assert_status(child, "SigBlk", want);
}

static void test_child_may_use_no_resources(void **state)
{
    static const char *const limits[] = {"Max open files",    "Max processes", "Max core file size",
                                         "Max locked memory", "Max file size", "Max msgqueue size"};
    const char *text = proc_text(child, "limits");

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const char *line = strstr(text, limits[i]);
        unsigned long long soft = 1, hard = 1;

        assert_non_null(line);
        if (sscanf(line + strlen(limits[i]), "%llu %llu", &soft, &hard) != 2 || soft || hard)
            fail_msg("%.70s", line);
    }
}

static const char *const namespaces[] = {"user", "pid", "net", "ipc", "uts", "cgroup"};
#define NAMESPACES (sizeof namespaces / sizeof namespaces[0])

/* How many namespaces the guest does not share with this process. */
static size_t own_namespaces(void)
{
    size_t count = 0;

    for (size_t i = 0; i < NAMESPACES; i++) {
        char name[32], ours[64], theirs[64];

        snprintf(name, sizeof name, "ns/%s", namespaces[i]);
        proc_link(getpid(), name, ours, sizeof ours);
        proc_link(child, name, theirs, sizeof theirs);
        count += strcmp(ours, theirs) != 0;
    }
    return count;
}

static void test_child_is_in_namespaces_of_its_own_when_probe_says_so(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_ok(ops->probe(&probe, fresh_error()));
    assert_int_equal(own_namespaces(), strstr(probe.description, ", namespaces") ? NAMESPACES : 0);
}

static int start_guest_without_namespaces(void **state)
{
    const struct sconce_ext_lifecycle *life = plugin->get_extension(SCONCE_EXT_LIFECYCLE);

    life->release();
    assert_ok(ops->configure("namespaces", "no", fresh_error()));
    return start_guest(state);
}

static int stop_guest_without_namespaces(void **state)
{
    const struct sconce_ext_lifecycle *life = plugin->get_extension(SCONCE_EXT_LIFECYCLE);
    int r = stop_guest(state);

    assert_ok(ops->configure("namespaces", "yes", fresh_error()));
    life->release();
    return r;
}

static void test_child_stays_in_the_hosts_namespaces_when_told(void **state)
{
    (void)state;
    expect_no_capabilities(child);
    assert_status(child, "Seccomp", "2");
    assert_int_equal(own_namespaces(), 0);
}

/* ---- What the host's program notices ------------------------------------------------------- */

static atomic_uint sigchlds;

static void on_sigchld(int signal)
{
    (void)signal;
    atomic_fetch_add(&sigchlds, 1);
}

static void test_host_has_no_child_to_wait_for(void **state)
{
    const struct sigaction count = {.sa_handler = on_sigchld};
    struct sigaction before;
    struct fake_guest guest;

    (void)state;
    sigaction(SIGCHLD, &count, &before);
    guest_new(&guest, spinner.guest.host, spinner.guest.host + 16);
    guest_enter(&guest);
    guest_reset(&guest);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* ECHILD */
    guest_free(&guest);
    sigaction(SIGCHLD, &before, NULL);
    assert_int_equal(atomic_load(&sigchlds), 0);
}

int main(int argc, char **argv)
{
#define WITH_GUEST(name) cmocka_unit_test_setup_teardown(name, start_guest, stop_guest)
    const struct CMUnitTest tests[] = {
        WITH_GUEST(test_child_maps_the_guest_the_stub_and_the_control_area_alone),
        WITH_GUEST(test_zygote_maps_code_and_stack_alone),
        WITH_GUEST(test_child_holds_no_descriptor),
        WITH_GUEST(test_zygote_holds_two_descriptors),
        WITH_GUEST(test_child_has_no_privileges_and_a_filter),
        WITH_GUEST(test_zygote_has_no_privileges),
        WITH_GUEST(test_child_takes_the_seven_signals_alone),
        WITH_GUEST(test_child_may_use_no_resources),
        WITH_GUEST(test_child_is_in_namespaces_of_its_own_when_probe_says_so),
        cmocka_unit_test_setup_teardown(test_child_stays_in_the_hosts_namespaces_when_told,
                                        start_guest_without_namespaces,
                                        stop_guest_without_namespaces),
        WITH_GUEST(test_host_has_no_child_to_wait_for),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
