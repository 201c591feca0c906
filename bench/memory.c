/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_NS 200000000l
#define MOST_GENERATIONS 8 /* host, zygote, child, and room */

/* /proc/meminfo's. A VM's struct is in vmalloc's space, shadow page tables are secondary ones. */
static const char *const kernel_lines[] = {
    "Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "VmallocUsed:", "Percpu:"};

/* "NAME:   123 kB" */
static bool read_line(const char *line, const char *name, uint64_t *total)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) != 0)
        return false;
    *total += strtoull(line + length, NULL, 10) * 1024;
    return true;
}

static int cannot_read(const char *path)
{
    fprintf(stderr, "bench: cannot read %s: %s\n", path, strerror(errno));
    return -1;
}

static int add_kernel(uint64_t *total)
{
    char line[256];
    FILE *file = fopen("/proc/meminfo", "re");

    if (!file)
        return cannot_read("/proc/meminfo");
    while (fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof kernel_lines / sizeof *kernel_lines; i++)
            if (read_line(line, kernel_lines[i], total))
                break;
    fclose(file);
    return 0;
}

static int add_process(long pid, uint64_t *total)
{
    char path[64], line[256];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = read_line(line, "Pss:", total);
    if (!found)
        cannot_read(path);
    if (file)
        fclose(file);
    return found ? 0 : -1;
}

/* 0 for one that has gone meanwhile. */
static long parent_of(long pid)
{
    char path[64], line[512];
    const char *behind = NULL;
    long parent = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    file = fopen(path, "re");
    if (file && fgets(line, sizeof line, file))
        behind = strrchr(line, ')'); /* the name, which may hold anything, ends here */
    if (behind && strlen(behind) > 4)
        parent = strtol(behind + 4, NULL, 10);
    if (file)
        fclose(file);
    return parent;
}

static bool is_ours(long pid)
{
    long self = (long)getpid();

    for (int i = 0; i < MOST_GENERATIONS && pid > 1; i++) {
        if (pid == self)
            return true;
        pid = parent_of(pid);
    }
    return false;
}

void memory_settle(void)
{
    const struct timespec moment = {.tv_nsec = SETTLE_NS};

    nanosleep(&moment, NULL);
}

int memory_used(uint64_t *ret_bytes)
{
    uint64_t total = 0;
    const struct dirent *entry;
    DIR *folder = opendir("/proc");
    int r;

    if (!folder)
        return cannot_read("/proc");
    r = add_kernel(&total);
    while (r == 0 && (entry = readdir(folder))) {
        long pid = isdigit((unsigned char)entry->d_name[0]) ? strtol(entry->d_name, NULL, 10) : 0;

        if (pid && is_ours(pid))
            r = add_process(pid, &total);
    }
    closedir(folder);
    if (r == 0)
        *ret_bytes = total;
    return r;
}
