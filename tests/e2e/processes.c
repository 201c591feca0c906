/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The parent and the name of one process: proc(5), /proc/PID/stat. False when it is gone. */
static int read_stat(const char *pid, pid_t *ret_parent, char name[64])
{
    char path[64], line[512];
    const char *open, *close;
    size_t bytes;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    bytes = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[bytes] = '\0';
    open = strchr(line, '(');
    close = strrchr(line, ')'); /* a name may hold one */
    if (!open || !close || close - open > 64)
        return 0;
    snprintf(name, 64, "%.*s", (int)(close - open - 1), open + 1);
    return sscanf(close + 1, " %*c %d", ret_parent) == 1;
}

static size_t list_children(pid_t parent, const char *wanted, pid_t *ret_pids, size_t room)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    while (dir && (entry = readdir(dir))) {
        char name[64];
        pid_t of;

        if (!isdigit((unsigned char)entry->d_name[0]) || count == room ||
            !read_stat(entry->d_name, &of, name) || of != parent)
            continue;
        if (!wanted || strcmp(name, wanted) == 0)
            ret_pids[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    if (dir)
        closedir(dir);
    return count;
}

size_t processes_children(pid_t parent, pid_t *ret_pids, size_t room)
{
    return list_children(parent, NULL, ret_pids, room);
}

pid_t processes_zygote(pid_t host)
{
    pid_t pid;

    return list_children(host, "sconce-zygote", &pid, 1) ? pid : 0;
}

int processes_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

void processes_await_end(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    if (pidfd < 0)
        return;
    while (poll(&wait, 1, -1) < 0 && errno == EINTR)
        ;
    close(pidfd);
}

void processes_await_no_children(pid_t parent)
{
    pid_t pid;

    while (processes_children(parent, &pid, 1))
        processes_await_end(processes_open(pid));
}
