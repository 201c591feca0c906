/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VP, its pages, and its ioctls: each with the VP's mutex held from end to end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

/* The last descriptor is closed. The hypervisor's VP lives on, and the partition has it. */
static void release(struct double_object *object)
{
    double_log("close-vp");
    double_object_put(&((struct double_vp *)object)->partition->object);
}

static void forked(struct double_object *object)
{
    struct double_vp *vp = (struct double_vp *)object;

    pthread_mutex_init(&vp->mutex, NULL);
    pthread_mutex_init(&vp->state_lock, NULL);
    vp->running = false;
}

static void unmake(struct double_vp *vp)
{
    double_self_show(&vp->run_hidden);
    double_sys_munmap(vp->run, vp->run_bytes);
    double_self_show(&vp->pages_hidden);
    double_sys_munmap(vp->message, 2 * MSHV_PAGE);
    free(vp->cpuid);
    free(vp->native_cpuid);
}

void double_vp_free(struct double_vp *vp)
{
    unmake(vp);
    double_table_free(&vp->object);
    free(vp);
}

/* ---- Creating ------------------------------------------------------------------------------- */

static int map_run(struct double_vp *vp, int fd)
{
    /* KVM_GET_VCPU_MMAP_SIZE is the device's, which may be closed by now: kvm_run, the page for
     * port data, the coalesced ring. */
    vp->run_bytes = 3 * MSHV_PAGE;
    vp->run = double_sys_mmap(NULL, vp->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (double_sys_failed(vp->run))
        return -double_sys_failed(vp->run);
    double_self_hide(&vp->run_hidden, vp->run, vp->run_bytes);
    return 0;
}

/* The pages are shared, so that a client's mapping can be one more of the same. */
static int make_pages(struct double_vp *vp)
{
    uint8_t *pages = double_sys_mmap(NULL, 2 * MSHV_PAGE, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (double_sys_failed(pages))
        return -ENOMEM;
    double_self_hide(&vp->pages_hidden, pages, 2 * MSHV_PAGE);
    vp->message = (struct hv_message *)(void *)pages;
    vp->page = (struct hv_register_page *)(void *)(pages + MSHV_PAGE);
    vp->page->version = HV_REGISTER_PAGE_VERSION;
    return 0;
}

static int set_up(struct double_vp *vp, int fd)
{
    int r = map_run(vp, fd);

    if (r == 0)
        r = make_pages(vp);
    if (r == 0 && double_features_apply(vp) != HV_OK)
        r = -EIO;
    if (r == 0)
        double_regs_fetch(vp);
    vp->explicit_suspend = true; /* a fresh VP waits to be run */
    return r;
}

static int create(struct double_partition *p, uint32_t index)
{
    struct double_vp *vp = calloc(1, sizeof *vp);
    int fd, r;

    if (!vp)
        return -ENOMEM;
    fd = double_sys_ioctl(p->object.fd, KVM_CREATE_VCPU, (void *)(uint64_t)index);
    if (fd < 0) {
        free(vp);
        return fd;
    }
    vp->object.kind = DOUBLE_VP;
    vp->object.release = release;
    vp->object.forked = forked;
    vp->object.fd = fd; /* until it has its own */
    vp->partition = p;
    vp->index = index;
    forked(&vp->object);
    r = set_up(vp, fd);
    if (r == 0)
        r = double_table_new(fd, &vp->object);
    if (r < 0) {
        unmake(vp);
        double_sys_close(fd);
        free(vp);
        return r;
    }
    double_object_get(&p->object);
    p->vps[index] = vp;
    return fd;
}

int double_vp_create(struct double_partition *p, uint64_t argument)
{
    struct mshv_create_vp args = {0};
    int r = double_plan_error(DOUBLE_AT_CREATE_VP);

    if (r == 0)
        r = double_sys_copy_in(&args, argument, sizeof args);
    if (r == 0 && args.vp_index >= MSHV_MAX_VPS)
        r = -EINVAL;
    if (r == 0 && p->vps[args.vp_index])
        r = -EEXIST;
    if (r == 0 && !p->initialized)
        r = -EIO; /* HV_INVALID_PARTITION_STATE */
    if (r == 0)
        r = create(p, args.vp_index);
    double_log("create-vp %d", r);
    return r;
}

/* ---- Pages ---------------------------------------------------------------------------------- */

/* One page stands behind every page of the mapping, as in the driver's fault handler. */
static long map_page(void *page, void *addr, size_t bytes, int prot, int flags)
{
    size_t length = (bytes + MSHV_PAGE - 1) / MSHV_PAGE * MSHV_PAGE;
    uint8_t *at = double_sys_mmap(
        addr, length, PROT_NONE,
        MAP_SHARED | MAP_ANONYMOUS | (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)), -1, 0);

    if (double_sys_failed(at))
        return (long)at;
    for (size_t done = 0; done < length; done += MSHV_PAGE)
        double_sys(SYS_mremap, (long)page, 0, MSHV_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                   (long)(at + done), 0);
    double_sys(SYS_mprotect, (long)at, (long)length, prot, 0, 0, 0);
    return (long)at;
}

static long map_offset(struct double_vp *vp, void *addr, size_t bytes, int prot, int flags,
                       long offset)
{
    switch (offset) {
    case MSHV_PAGE_REGISTERS *MSHV_PAGE:
        if (double_plan.no_register_page)
            return -ENODEV;
        return map_page(vp->page, addr, bytes, prot, flags);
    case MSHV_PAGE_MESSAGE *MSHV_PAGE:
        return map_page(vp->message, addr, bytes, prot, flags);
    case MSHV_PAGE_GHCB *MSHV_PAGE: /* encrypted partitions alone */
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

long double_vp_mmap(struct double_vp *vp, void *addr, size_t bytes, int prot, int flags,
                    long offset)
{
    long r = double_plan_error(DOUBLE_AT_MMAP);

    /* A private mapping would be a copy from the first write on. */
    if (r == 0 && (flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE) {
        double_log("not-modelled mmap flags 0x%x", flags);
        r = -EINVAL;
    }
    if (r == 0)
        r = bytes ? map_offset(vp, addr, bytes, prot, flags, offset) : -EINVAL;
    double_log("mmap page=%ld %s", offset / (long)MSHV_PAGE, r < 0 && r > -4096 ? "failed" : "ok");
    return r;
}

/* ---- Ioctls --------------------------------------------------------------------------------- */

static int run(struct double_vp *vp, uint64_t argument, uint64_t client_signals)
{
    int r = double_run(vp, argument, client_signals);

    double_log("run %d message=0x%x", r, r == 0 ? vp->message->type : 0);
    return r;
}

int double_vp_ioctl(struct double_vp *vp, uint32_t request, uint64_t argument,
                    uint64_t client_signals)
{
    int r;

    pthread_mutex_lock(&vp->mutex);
    switch (request) {
    case MSHV_RUN_VP:
        r = run(vp, argument, client_signals);
        break;
    case MSHV_GET_VP_STATE:
        r = double_state(vp, argument, false);
        break;
    case MSHV_SET_VP_STATE:
        r = double_state(vp, argument, true);
        break;
    case MSHV_ROOT_HVCALL:
        pthread_mutex_lock(&vp->partition->mutex);
        r = double_hvcall(vp->partition, false, argument);
        pthread_mutex_unlock(&vp->partition->mutex);
        break;
    default:
        r = -ENOTTY;
        break;
    }
    pthread_mutex_unlock(&vp->mutex);
    return r;
}
