/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned pages. KVM shows the guest whatever the client's mapping shows; the driver pins the pages
 * that are there when a region is set. So a region gets a mapping of the same pages that is the
 * double's alone, and KVM is given that one.
 *
 * Of shared memory a second mapping is made with mremap(2) from an old size of 0. Private memory
 * has no second mapping: it is replaced, in its place, by a shared copy, until no region has it any
 * more. README.md has what the client can notice of that. No descriptor is needed for it, as the
 * client may have none left.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/mshv-double/maps.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define COPY_BYTES (1ull << 30) /* at once; the kernel does no more than 2 GiB */
#define NONE (~0ull)

struct view {
    struct view *next;
    uint64_t start, bytes;
    struct double_hidden hidden;
    uint64_t copied; /* where in it a shared copy of private memory is; NONE */
};

/* A shared copy that has lost the view it was made for, and may be in others still. */
struct copy {
    struct copy *next;
    uint64_t inode;
    unsigned major, minor;
};

static struct view *views;
static struct copy *copies;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void take(void)
{
    pthread_mutex_lock(&lock);
}

static void give(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void start(void)
{
    pthread_atfork(take, give, give);
}

void double_view_start(void)
{
    take();
    double_maps_start();
    give();
}

/* ---- Mapping -------------------------------------------------------------------------------- */

static int fault_of(long address)
{
    return double_sys_failed((void *)address) ? -EFAULT : 0;
}

/* One more mapping of shared pages. */
static int share(uint64_t from, uint64_t bytes, uint64_t to)
{
    return fault_of(double_sys(SYS_mremap, (long)from, 0, (long)bytes,
                               MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0));
}

static int copy(uint64_t from, uint64_t bytes, uint64_t to)
{
    int r = 0;

    for (uint64_t at = 0; at < bytes && r == 0; at += COPY_BYTES)
        r = double_sys_copy_out(to + at, (const void *)(from + at),
                                bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES);
    return r;
}

static void protect(uint64_t at, uint64_t bytes, int prot)
{
    double_sys(SYS_mprotect, (long)at, (long)bytes, prot, 0, 0, 0);
}

static int replace(uint64_t host, uint64_t bytes, int prot, uint64_t to)
{
    int r = copy(host, bytes, to);

    if (r == 0)
        r = share(to, bytes, host);
    if (r == 0)
        protect(host, bytes, prot);
    return r;
}

/* What pin_user_pages(FOLL_WRITE) does and refuses: a private page becomes the client's own, a
 * mapping that cannot be written is an error. Shared pages are the same ones whenever they come to
 * be: there the last one stands for all, as a file ends once. */
static int fault_in(const struct double_areas *areas, uint64_t host, uint64_t bytes)
{
    uint64_t at = host, end = host + bytes;

    for (size_t i = 0; i < areas->count; i++) {
        const struct double_area *area = &areas->list[i];
        uint64_t piece_end = area->end < end ? area->end : end;
        uint64_t from = area->shared ? piece_end - MSHV_PAGE : at;

        if (area->start > at || double_sys(SYS_madvise, (long)from, (long)(piece_end - from),
                                           MADV_POPULATE_WRITE, 0, 0, 0) < 0)
            return -EFAULT;
        at = piece_end;
    }
    return at < end ? -EFAULT : 0;
}

/* Piece by piece, as a range may be made of several mappings; there is no gap. */
static int take_pieces(const struct double_areas *areas, uint64_t host, uint64_t bytes,
                       struct view *view)
{
    uint64_t at = host, end = host + bytes;
    int r = 0;

    for (size_t i = 0; i < areas->count; i++)
        if (areas->list[i].refused)
            return -EFAULT;
    for (size_t i = 0; i < areas->count && r == 0; i++) {
        const struct double_area *area = &areas->list[i];
        uint64_t piece = (area->end < end ? area->end : end) - at, offset = at - host;

        if (!area->shared && view->copied == NONE)
            view->copied = offset;
        r = area->shared ? share(at, piece, view->start + offset)
                         : replace(at, piece, area->prot, view->start + offset);
        at += piece;
    }
    return r;
}

/* ---- The client's own again ----------------------------------------------------------------- */

static bool is_viewed(const struct double_area *area)
{
    for (const struct view *view = views; view; view = view->next)
        if (area->start < view->start + view->bytes && area->end > view->start)
            return true;
    return false;
}

static bool is_of(const struct double_area *area, const struct copy *c)
{
    return area->shared && area->inode == c->inode && area->major == c->major &&
           area->minor == c->minor;
}

static void restore(const struct double_area *area)
{
    uint64_t bytes = area->end - area->start;
    long to = (long)double_sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (fault_of(to) < 0)
        return;
    protect(area->start, bytes, PROT_READ | PROT_WRITE);
    if (copy(area->start, bytes, (uint64_t)to) < 0) {
        protect(area->start, bytes, area->prot);
        double_sys_munmap((void *)to, bytes);
        return;
    }
    protect((uint64_t)to, bytes, area->prot);
    double_sys(SYS_mremap, to, (long)bytes, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
               (long)area->start, 0);
}

/* Is the copy in no view any more? Then every mapping of it becomes private. */
static bool restore_all(const struct double_areas *areas, const struct copy *c)
{
    for (size_t i = 0; i < areas->count; i++)
        if (is_of(&areas->list[i], c) && is_viewed(&areas->list[i]))
            return false;
    for (size_t i = 0; i < areas->count; i++)
        if (is_of(&areas->list[i], c))
            restore(&areas->list[i]);
    return true;
}

static void restore_unused(const struct double_areas *areas)
{
    struct copy **at = &copies;

    while (*at) {
        struct copy *c = *at;

        if (restore_all(areas, c)) {
            *at = c->next;
            free(c);
        } else {
            at = &c->next;
        }
    }
}

/* The copy in a view that goes, by what /proc/self/maps calls it. */
static void remember_copy(const struct view *view)
{
    uint64_t at = view->start + view->copied;
    struct double_areas areas = {0};
    struct copy *c;

    if (view->copied == NONE || double_maps_read(at, at + 1, &areas) < 0 || !areas.count)
        return;
    c = malloc(sizeof *c);
    if (c) {
        *c = (struct copy){copies, areas.list[0].inode, areas.list[0].major, areas.list[0].minor};
        copies = c;
    }
    free(areas.list);
}

static void drop(struct view *view)
{
    struct view **at = &views;
    struct double_areas areas = {0};

    while (*at != view)
        at = &(*at)->next;
    *at = view->next;
    remember_copy(view);
    double_self_show(&view->hidden);
    double_sys_munmap((void *)view->start, view->bytes);
    if (copies && double_maps_read(0, NONE, &areas) == 0)
        restore_unused(&areas);
    free(areas.list);
    free(view);
}

/* ---- For regions ---------------------------------------------------------------------------- */

/* Takes @view over. */
static int make(struct view *view, uint64_t host, uint8_t **ret_view)
{
    struct double_areas areas = {0};
    uint8_t *at = NULL;
    int r = double_maps_read(host, host + view->bytes, &areas);

    if (r == 0)
        r = fault_in(&areas, host, view->bytes);
    if (r == 0) {
        at = double_sys_mmap(NULL, view->bytes, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        r = double_sys_failed(at) ? -ENOMEM : 0;
    }
    if (r < 0) {
        free(areas.list);
        free(view);
        return r;
    }
    view->start = (uint64_t)at;
    double_self_hide(&view->hidden, at, view->bytes);
    view->next = views;
    views = view;
    r = take_pieces(&areas, host, view->bytes, view);
    free(areas.list);
    if (r < 0)
        drop(view);
    else
        *ret_view = at;
    return r;
}

int double_view_fault_in(uint64_t host, uint64_t bytes)
{
    struct double_areas areas = {0};
    int r;

    take();
    r = double_maps_read(host, host + bytes, &areas);
    give();
    if (r == 0)
        r = fault_in(&areas, host, bytes);
    free(areas.list);
    return r;
}

int double_view_make(uint64_t host, uint64_t bytes, uint8_t **ret_view)
{
    struct view *view = calloc(1, sizeof *view);
    int r;

    if (!view)
        return -ENOMEM;
    view->bytes = bytes;
    view->copied = NONE;
    take();
    r = make(view, host, ret_view);
    give();
    return r;
}

void double_view_drop(const uint8_t *view)
{
    struct view *at;

    take();
    for (at = views; at && at->start != (uint64_t)view;)
        at = at->next;
    if (at)
        drop(at);
    give();
}
