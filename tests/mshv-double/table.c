/* SPDX-License-Identifier: Apache-2.0 */
/* One entry for each possible number. A lock for changes; looking whether there is anything at all
 * takes none, as every ioctl() and close() of the process comes by here. */
#include "tests/mshv-double/table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/mshv-double/sys.h"

#define MAX_FDS 65536

static struct double_object *objects[MAX_FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t owner; /* a child of vfork() shares this memory, but not the descriptors */

static void take(void)
{
    pthread_mutex_lock(&lock);
}

static void give(void)
{
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    owner = getpid();
    give();
}

__attribute__((constructor)) static void start(void)
{
    owner = getpid();
    pthread_atfork(take, give, in_child);
}

bool double_table_may_have(int fd)
{
    return fd >= 0 && fd < MAX_FDS && __atomic_load_n(&objects[fd], __ATOMIC_ACQUIRE) &&
           owner == getpid();
}

static void put(int fd, struct double_object *object)
{
    __atomic_store_n(&objects[fd], object, __ATOMIC_RELEASE);
}

int double_table_add(int fd, struct double_object *object)
{
    if (fd >= MAX_FDS)
        return -EMFILE;
    take();
    put(fd, object);
    object->refs++;
    object->fd = fd;
    give();
    return 0;
}

struct double_object *double_table_get(int fd)
{
    struct double_object *object;

    if (!double_table_may_have(fd))
        return NULL;
    take();
    object = objects[fd];
    if (object)
        object->refs++;
    give();
    return object;
}

void double_object_get(struct double_object *object)
{
    take();
    object->refs++;
    give();
}

void double_object_put(struct double_object *object)
{
    bool last;

    take();
    last = --object->refs == 0;
    give();
    if (last)
        object->destroy(object);
}

/* With the lock. Calls under way use object->fd, so it becomes another one of the object's, or a
 * duplicate that nobody else knows while somebody still works with it. */
static void find_another_fd(struct double_object *object, int gone)
{
    if (object->fd != gone)
        return;
    for (int fd = 0; fd < MAX_FDS; fd++)
        if (objects[fd] == object) {
            object->fd = fd;
            return;
        }
    object->fd = -1;
    if (object->refs > 1 && object->kind == DOUBLE_VP)
        object->fd = (int)double_sys(SYS_fcntl, gone, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
}

void double_table_remove(int fd)
{
    struct double_object *object;

    if (!double_table_may_have(fd))
        return;
    take();
    object = objects[fd];
    put(fd, NULL);
    if (object)
        find_another_fd(object, fd);
    give();
    if (object)
        double_object_put(object);
}

void double_table_duplicate(int from, int to)
{
    struct double_object *object = double_table_get(from);

    if (!object)
        return;
    if (double_table_add(to, object) < 0)
        double_sys_die("cannot follow descriptor %d: too large a number", to);
    double_object_put(object);
}
