/* SPDX-License-Identifier: Apache-2.0 */
/* One entry for each possible number. A lock for changes; looking whether there is anything at all
 * takes none, as every ioctl() and close() of the process comes by here. */
#include "tests/mshv-double/table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/close_range.h>
#include <linux/kcmp.h>

#include "tests/mshv-double/sys.h"

#define MAX_FDS 65536
#define FIRST_OWN 900
#define MANY 1024 /* what most processes may have; where it is less, an eighth is the double's */
#define ALL_SIGNALS (~0ull)

static struct double_object *objects[MAX_FDS];
static bool own[MAX_FDS];
static struct double_object *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local uint64_t kept_mask;
static pid_t owner; /* a child of vfork() shares this memory, but not the descriptors */

/* close() and its kind may come from a signal handler. */
static void take(void)
{
    uint64_t mask;

    double_sys_signals(ALL_SIGNALS, &mask);
    pthread_mutex_lock(&lock);
    kept_mask = mask;
}

static void give(void)
{
    uint64_t mask = kept_mask;

    pthread_mutex_unlock(&lock);
    double_sys_signals(mask, NULL);
}

/* ---- The double's own ----------------------------------------------------------------------- */

int double_table_own(int fd)
{
    struct rlimit limit = {.rlim_cur = 1024};
    rlim_t first = FIRST_OWN;
    int r;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < MANY)
        first = limit.rlim_cur - limit.rlim_cur / 8;
    r = (int)double_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, (long)first, 0, 0, 0);
    if (r == -EINVAL)
        r = -EMFILE;
    if (r >= MAX_FDS) {
        double_sys_close(r);
        r = -EMFILE;
    }
    if (r >= 0)
        __atomic_store_n(&own[r], true, __ATOMIC_RELEASE);
    return r;
}

void double_table_disown(int fd)
{
    __atomic_store_n(&own[fd], false, __ATOMIC_RELEASE);
    double_sys_close(fd);
}

bool double_table_is_own(int fd)
{
    return fd >= 0 && fd < MAX_FDS && __atomic_load_n(&own[fd], __ATOMIC_ACQUIRE) &&
           owner == getpid();
}

/* ---- References, with the lock -------------------------------------------------------------- */

/* Does somebody have to release it? */
static bool is_left(struct double_object *object)
{
    if (object->refs || object->calls || object->released)
        return false;
    object->released = true;
    return true;
}

static struct double_object *put(int fd, struct double_object *object)
{
    struct double_object *old = objects[fd];

    __atomic_store_n(&objects[fd], object, __ATOMIC_RELEASE);
    if (object)
        object->refs++;
    if (!old)
        return NULL;
    old->refs--;
    return is_left(old) ? old : NULL;
}

static void release(struct double_object *object)
{
    if (object)
        object->release(object);
}

/* ---- Forks ---------------------------------------------------------------------------------- */

static struct double_object *find_left(void)
{
    for (struct double_object *object = all; object; object = object->next)
        if (is_left(object))
            return object;
    return NULL;
}

static void in_child(void)
{
    struct double_object *object;

    owner = getpid();
    for (object = all; object; object = object->next) {
        object->calls = 0;
        if (object->forked)
            object->forked(object);
    }
    give();
    while ((object = find_left()))
        release(object);
}

__attribute__((constructor)) static void start(void)
{
    owner = getpid();
    pthread_atfork(take, give, in_child);
}

/* ---- The table ------------------------------------------------------------------------------ */

bool double_table_may_have(int fd)
{
    return fd >= 0 && fd < MAX_FDS && __atomic_load_n(&objects[fd], __ATOMIC_ACQUIRE) &&
           owner == getpid();
}

int double_table_new(int fd, struct double_object *object)
{
    int r = fd < MAX_FDS ? double_table_own(fd) : -EMFILE;

    if (r < 0)
        return r;
    object->fd = r;
    take();
    object->next = all;
    all = object;
    put(fd, object);
    give();
    return 0;
}

void double_table_free(struct double_object *object)
{
    struct double_object **at = &all;

    take();
    while (*at != object)
        at = &(*at)->next;
    *at = object->next;
    give();
    double_table_disown(object->fd);
}

/* Still the client's open file? What closes it without a call of ours (fclose(), a system call of
 * the client's) leaves an entry, and the number may be another file's by now. Where the kernel
 * cannot tell, it is. */
static bool is_same(int fd, int private)
{
    long r = double_sys(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, private, 0);

    return r == 0 || r == -ENOSYS || r == -EPERM;
}

struct double_object *double_table_call(int fd)
{
    struct double_object *object, *left = NULL;

    if (!double_table_may_have(fd))
        return NULL;
    take();
    object = objects[fd];
    if (object && !is_same(fd, object->fd)) {
        left = put(fd, NULL);
        object = NULL;
    }
    if (object)
        object->calls++;
    give();
    release(left);
    return object;
}

void double_table_return(struct double_object *object)
{
    bool left;

    take();
    object->calls--;
    left = is_left(object);
    give();
    if (left)
        release(object);
}

void double_object_get(struct double_object *object)
{
    take();
    object->refs++;
    give();
}

void double_object_put(struct double_object *object)
{
    bool left;

    take();
    object->refs--;
    left = is_left(object);
    give();
    if (left)
        release(object);
}

void double_table_remove(int fd)
{
    struct double_object *left;

    if (!double_table_may_have(fd))
        return;
    take();
    left = put(fd, NULL);
    give();
    release(left);
}

void double_table_duplicate(int from, int to)
{
    struct double_object *left;

    if (to >= MAX_FDS || from == to || !(double_table_may_have(from) || double_table_may_have(to)))
        return;
    take();
    left = put(to, objects[from]);
    give();
    release(left);
}

/* In pieces, with the double's own between them. */
int double_table_close(unsigned first, unsigned last, unsigned flags)
{
    unsigned at = first;
    int r = 0;

    if (first > last || (flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)))
        return -EINVAL;
    for (unsigned fd = first; !(flags & CLOSE_RANGE_CLOEXEC) && fd <= last && fd < MAX_FDS; fd++)
        double_table_remove((int)fd);
    for (unsigned fd = first; r == 0 && fd <= last && fd < MAX_FDS; fd++)
        if (double_table_is_own((int)fd)) {
            if (fd > at)
                r = (int)double_sys(SYS_close_range, at, fd - 1, flags, 0, 0, 0);
            at = fd + 1;
        }
    return r == 0 && at <= last ? (int)double_sys(SYS_close_range, at, last, flags, 0, 0, 0) : r;
}
