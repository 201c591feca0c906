/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the personality: one system call being answered, and who answers which. */
#ifndef SCONCE_PERSONALITY_TRAP_H
#define SCONCE_PERSONALITY_TRAP_H

#include "personality/personality.h"

/* Linux's, the same on every architecture that is served. */
#define ERR_PERM (-1)
#define ERR_NOENT (-2)
#define ERR_SRCH (-3)
#define ERR_IO (-5)
#define ERR_BADF (-9)
#define ERR_AGAIN (-11)
#define ERR_NOMEM (-12)
#define ERR_ACCES (-13)
#define ERR_FAULT (-14)
#define ERR_NODEV (-19)
#define ERR_INVAL (-22)
#define ERR_NOTTY (-25)
#define ERR_SPIPE (-29)
#define ERR_NOSYS (-38)
#define ERR_TIMEDOUT (-110)

/* The guest's only process and thread. */
#define ONLY_ID 1

/* As much as is copied at a time, and as one read gives. */
#define PIECE_BYTES 4096u

struct trap {
    struct sconce_personality *p;
    const uint64_t *args;
    struct sconce_error *err; /* filled when @ended is not 0 */
    int ended;                /* SCONCE_E_*: the guest does not run again */
};

/* ---- guest-memory.c -------------------------------------------------------------------------- */

/** trap_allows - may the guest do @prot everywhere in [@address, @address + @bytes)? None of 0
 * bytes is asked for. */
bool trap_allows(const struct trap *trap, uint64_t address, uint64_t bytes, uint32_t prot);

/** trap_read, trap_write - copy once, all or nothing; false is EFAULT. */
bool trap_read(const struct trap *trap, void *to, uint64_t address, size_t bytes);
bool trap_write(const struct trap *trap, uint64_t address, const void *from, size_t bytes);

/** trap_clear - write @bytes zeros, at most 64. */
bool trap_clear(const struct trap *trap, uint64_t address, size_t bytes);

/* ---- Handlers, by file ---------------------------------------------------------------------- */

int64_t trap_brk(struct trap *trap);
int64_t trap_mmap(struct trap *trap);
int64_t trap_munmap(struct trap *trap);
int64_t trap_mremap(struct trap *trap);
int64_t trap_mprotect(struct trap *trap);
int64_t trap_madvise(struct trap *trap);

int64_t trap_write_fd(struct trap *trap);
int64_t trap_writev(struct trap *trap);
int64_t trap_read_fd(struct trap *trap);
int64_t trap_readv(struct trap *trap);
int64_t trap_close(struct trap *trap);
int64_t trap_lseek(struct trap *trap);
int64_t trap_ioctl(struct trap *trap);
int64_t trap_poll(struct trap *trap);
int64_t trap_ppoll(struct trap *trap);

int64_t trap_clock_gettime(struct trap *trap);
int64_t trap_clock_getres(struct trap *trap);
int64_t trap_gettimeofday(struct trap *trap);
int64_t trap_time(struct trap *trap);

int64_t trap_getrandom(struct trap *trap);

int64_t trap_exit(struct trap *trap);
int64_t trap_kill(struct trap *trap);
int64_t trap_tkill(struct trap *trap);
int64_t trap_tgkill(struct trap *trap);
int64_t trap_rt_sigaction(struct trap *trap);
int64_t trap_rt_sigprocmask(struct trap *trap);
int64_t trap_sigaltstack(struct trap *trap);
int64_t trap_futex(struct trap *trap);
int64_t trap_prlimit64(struct trap *trap);
int64_t trap_getrlimit(struct trap *trap);
int64_t trap_arch_prctl(struct trap *trap);

/** trap_deny - ENOSYS, counted: for what an entry serves in part. */
int64_t trap_deny(struct trap *trap);

#endif
