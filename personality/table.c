/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of system calls that are served. What is not here is ENOSYS, and counted. */
#include <string.h>

#include "personality/trap.h"

#define USER_ID 1000

struct entry {
    const char *name;
    uint32_t arg_count;
    int64_t (*handler)(struct trap *trap); /* NULL: @constant is the answer */
    int64_t constant;
};

/*
 * Left out on purpose: what has a struct that differs among architectures (stat, fstat, newfstatat,
 * whose failure libcs take for "not a terminal"), and all that would need other threads, processes,
 * files or sockets.
 */
static const struct entry entries[] = {
    {"brk", 1, trap_brk, 0},
    {"mmap", 6, trap_mmap, 0},
    {"munmap", 2, trap_munmap, 0},
    {"mremap", 5, trap_mremap, 0},
    {"mprotect", 3, trap_mprotect, 0},
    {"madvise", 3, trap_madvise, 0},
    {"write", 3, trap_write_fd, 0},
    {"writev", 3, trap_writev, 0},
    {"read", 3, trap_read_fd, 0},
    {"readv", 3, trap_readv, 0},
    {"close", 1, trap_close, 0},
    {"lseek", 3, trap_lseek, 0},
    {"ioctl", 3, trap_ioctl, 0},
    {"poll", 3, trap_poll, 0},
    {"ppoll", 5, trap_ppoll, 0},
    {"open", 3, NULL, ERR_NOENT},
    {"openat", 4, NULL, ERR_NOENT},
    {"readlink", 3, NULL, ERR_NOENT},
    {"readlinkat", 4, NULL, ERR_NOENT},
    {"access", 2, NULL, ERR_NOENT},
    {"faccessat", 3, NULL, ERR_NOENT},
    {"faccessat2", 4, NULL, ERR_NOENT},
    {"clock_gettime", 2, trap_clock_gettime, 0},
    {"clock_getres", 2, trap_clock_getres, 0},
    {"gettimeofday", 2, trap_gettimeofday, 0},
    {"time", 1, trap_time, 0},
    {"getrandom", 3, trap_getrandom, 0},
    {"exit", 1, trap_exit, 0},
    {"exit_group", 1, trap_exit, 0},
    {"kill", 2, trap_kill, 0},
    {"tkill", 2, trap_tkill, 0},
    {"tgkill", 3, trap_tgkill, 0},
    {"rt_sigaction", 4, trap_rt_sigaction, 0},
    {"rt_sigprocmask", 4, trap_rt_sigprocmask, 0},
    {"sigaltstack", 2, trap_sigaltstack, 0},
    {"futex", 6, trap_futex, 0},
    {"getpid", 0, NULL, ONLY_ID},
    {"gettid", 0, NULL, ONLY_ID},
    {"set_tid_address", 1, NULL, ONLY_ID},
    {"getppid", 0, NULL, 0},
    {"getuid", 0, NULL, USER_ID},
    {"geteuid", 0, NULL, USER_ID},
    {"getgid", 0, NULL, USER_ID},
    {"getegid", 0, NULL, USER_ID},
    {"prlimit64", 4, trap_prlimit64, 0},
    {"getrlimit", 2, trap_getrlimit, 0},
    {"arch_prctl", 2, trap_arch_prctl, 0},
};
#define ENTRIES (sizeof entries / sizeof entries[0])

_Static_assert(ENTRIES < UINT8_MAX, "an entry's number fits the table");

const char *sconce_personality_entry_name(size_t i)
{
    return i < ENTRIES ? entries[i].name : NULL;
}

uint32_t sconce_personality_arg_count(const struct sconce_personality_table *table, uint64_t number)
{
    uint8_t i = number < SCONCE_PERSONALITY_NUMBERS ? table->entries[number] : 0;

    return i ? entries[i - 1].arg_count : 6;
}

static uint8_t find_entry(const char *name)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (!strcmp(entries[i].name, name))
            return (uint8_t)(i + 1);
    return 0;
}

void sconce_personality_resolve(struct sconce_personality_table *table,
                                const char *(*name)(uint64_t number))
{
    for (uint64_t number = 0; number < SCONCE_PERSONALITY_NUMBERS; number++) {
        const char *known = name(number);

        table->entries[number] = known ? find_entry(known) : 0;
    }
}

int64_t trap_deny(struct trap *trap)
{
    trap->p->counts.denied++;
    return ERR_NOSYS;
}

int sconce_personality_call(struct sconce_personality *personality, uint64_t number,
                            const uint64_t args[6], int64_t *ret_result, struct sconce_error *err)
{
    struct trap trap = {.p = personality, .args = args, .err = err};
    uint8_t i = number < SCONCE_PERSONALITY_NUMBERS ? personality->table->entries[number] : 0;
    int64_t result;

    if (!i)
        result = trap_deny(&trap);
    else if (!entries[i - 1].handler)
        result = entries[i - 1].constant;
    else
        result = entries[i - 1].handler(&trap);
    if (trap.ended)
        return trap.ended;
    *ret_result = result;
    return 0;
}
