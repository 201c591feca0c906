/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/process/tests/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not read: 0. */
static size_t read_file(pid_t pid, const char *name, char *to, size_t room)
{
    char path[64];
    size_t used = 0;
    ssize_t bytes;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while (used + 1 < room && (bytes = read(fd, to + used, room - 1 - used)) > 0)
        used += (size_t)bytes;
    close(fd);
    to[used] = '\0';
    return used;
}

static bool find_value(const char *status, const char *key, char *ret_value, size_t room)
{
    const char *at = status;
    size_t bytes = strlen(key);

    while (at && (strncmp(at, key, bytes) != 0 || at[bytes] != ':')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return false;
    at += bytes + 1;
    at += strspn(at, " \t");
    snprintf(ret_value, room, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

size_t proc_children(pid_t parent, const char *comm, pid_t *ret_pids, size_t room)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    char status[4096], name[32], of[32];
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid <= 0 || !read_file(pid, "status", status, sizeof status) ||
            !find_value(status, "Name", name, sizeof name) ||
            !find_value(status, "PPid", of, sizeof of) || strcmp(name, comm) != 0 ||
            strtol(of, NULL, 10) != parent)
            continue;
        if (count < room)
            ret_pids[count] = pid;
        count++;
    }
    closedir(dir);
    return count;
}

pid_t proc_only_child(pid_t parent, const char *comm)
{
    pid_t pid = 0;

    assert_int_equal(proc_children(parent, comm, &pid, 1), 1);
    return pid;
}

/* Fails, or skips when the kernel says that it is not for this user. */
static void cannot_look(pid_t pid, const char *name)
{
    if (errno != EACCES && errno != EPERM)
        fail_msg("/proc/%d/%s: %s", pid, name, strerror(errno));
    printf("skipped: /proc/PID/%s of another process is root's to read\n", name);
    skip();
}

const char *proc_text(pid_t pid, const char *name)
{
    static char text[16384];

    errno = 0;
    if (!read_file(pid, name, text, sizeof text))
        cannot_look(pid, name);
    return text;
}

void proc_value(pid_t pid, const char *key, char *ret_value, size_t room)
{
    assert_true(find_value(proc_text(pid, "status"), key, ret_value, room));
}

void proc_link(pid_t pid, const char *name, char *ret_target, size_t room)
{
    char path[64];
    ssize_t bytes;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    bytes = readlink(path, ret_target, room - 1);
    if (bytes < 0)
        cannot_look(pid, name);
    ret_target[bytes < 0 ? 0 : bytes] = '\0';
}

unsigned proc_entries(pid_t pid, const char *name)
{
    char path[64];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    dir = opendir(path);
    if (!dir)
        cannot_look(pid, name);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

int proc_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    assert_true(fd >= 0);
    return fd;
}

bool proc_is_gone(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    return poll(&wait, 1, 0) == 1;
}

void proc_await_end(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    while (poll(&wait, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
}

/* ---- A guest that runs --------------------------------------------------------------------- */

static struct sconce_plugin_vm *_Atomic spinning;

static void on_kick(int signal)
{
    (void)signal;
    ops->vcpu_kick_local(atomic_load(&spinning));
}

static void *spin(void *argument)
{
    struct spinner *spinner = argument;
    struct sconce_exit exit = {.size = sizeof exit};

    if (ops->vcpu_run(spinner->guest.vm, &exit, NULL) == SCONCE_PLUGIN_OK)
        spinner->kind = exit.kind;
    atomic_store(&spinner->ended, true);
    return NULL;
}

void spinner_start(struct spinner *spinner)
{
    const struct sigaction action = {.sa_handler = on_kick};
    volatile uint64_t *counter;

    sigaction(SIGUSR1, &action, NULL);
    guest_new(&spinner->guest, CODE(count_on));
    guest_enter(&spinner->guest);
    counter = guest_data(&spinner->guest);
    atomic_store(&spinner->ended, false);
    spinner->kind = 0;
    atomic_store(&spinning, spinner->guest.vm);
    assert_int_equal(pthread_create(&spinner->thread, NULL, spin, spinner), 0);
    while (!*counter && !atomic_load(&spinner->ended))
        sched_yield();
}

void spinner_stop(struct spinner *spinner)
{
    while (!atomic_load(&spinner->ended)) {
        pthread_kill(spinner->thread, SIGUSR1);
        sched_yield();
    }
    pthread_join(spinner->thread, NULL);
}
