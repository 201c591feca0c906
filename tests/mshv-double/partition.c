/* SPDX-License-Identifier: Apache-2.0 */
/* Making a partition, and its ioctls: each with the partition's mutex held, as in the driver. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

static uint64_t last_id = 0x10; /* ids are never small, never reused, and no pointers */

static bool nonzero(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++)
        if (at[i])
            return true;
    return false;
}

/* ---- Creating ------------------------------------------------------------------------------- */

/* The first 16 bytes say whether there are 64. */
static int read_creation(uint64_t argument, struct mshv_create_partition_v2 *ret_args)
{
    struct mshv_create_partition_v2 args = {0};
    uint64_t known = MSHV_PT_LAPIC | MSHV_PT_X2APIC | MSHV_PT_GPA_SUPER_PAGES |
                     (double_plan.v2 ? MSHV_PT_CPU_AND_XSAVE_FEATURES : 0);

    if (double_sys_copy_in(&args, argument, sizeof(struct mshv_create_partition)) < 0)
        return -EFAULT;
    if ((args.flags & ~known) || args.isolation != 0)
        return -EINVAL;
    if (args.flags & MSHV_PT_CPU_AND_XSAVE_FEATURES) {
        if (double_sys_copy_in(&args, argument, sizeof args) < 0)
            return -EFAULT;
        if (args.cpu_banks != MSHV_CPU_FEATURE_BANKS ||
            nonzero(args.reserved0, sizeof args.reserved0) ||
            nonzero(args.reserved1, sizeof args.reserved1))
            return -EINVAL;
    }
    *ret_args = args;
    return 0;
}

static void release(struct double_object *object)
{
    struct double_partition *p = (struct double_partition *)object;

    for (unsigned i = 0; i < MSHV_MAX_VPS; i++)
        if (p->vps[i])
            double_vp_free(p->vps[i]);
    double_table_free(object);
    double_memory_drop(p);
    double_log("destroy-partition");
    free(p->host_cpuid);
    free(p);
}

static void forked(struct double_object *object)
{
    struct double_partition *p = (struct double_partition *)object;

    pthread_mutex_init(&p->mutex, NULL);
    pthread_mutex_init(&p->regions_lock, NULL);
}

static int create(int device, const struct mshv_create_partition_v2 *args)
{
    struct double_partition *p = calloc(1, sizeof *p);
    int fd, r;

    if (!p)
        return -ENOMEM;
    r = double_features_host(device, &p->host_cpuid);
    fd = r < 0 ? r : double_sys_ioctl(device, KVM_CREATE_VM, NULL);
    if (fd < 0) {
        free(p->host_cpuid);
        free(p);
        return fd;
    }
    p->object.kind = DOUBLE_PARTITION;
    p->object.release = release;
    p->object.forked = forked;
    forked(&p->object);
    p->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    p->flags = args->flags;
    memcpy(p->cpu_disabled, args->cpu_disabled, sizeof p->cpu_disabled);
    p->xsave_disabled = args->xsave_disabled;
    p->synthetic_features = HV_SYNTHETIC_PRESENT | HV_SYNTHETIC_HV1;
    r = double_table_new(fd, &p->object);
    if (r < 0) {
        double_sys_close(fd);
        free(p->host_cpuid);
        free(p);
        return r;
    }
    return fd;
}

int double_partition_create(int device, uint64_t argument)
{
    struct mshv_create_partition_v2 args;
    int r = double_plan_error(DOUBLE_AT_CREATE_PARTITION);

    if (r == 0)
        r = read_creation(argument, &args);
    if (r == 0)
        r = create(device, &args);
    double_log("create-partition %d", r);
    return r;
}

/* ---- Ioctls --------------------------------------------------------------------------------- */

static int initialize(struct double_partition *p)
{
    int r = double_plan_error(DOUBLE_AT_INITIALIZE);

    if (r == 0)
        p->initialized = true;
    double_log("initialize %d", r);
    return r;
}

int double_partition_ioctl(struct double_partition *p, uint32_t request, uint64_t argument)
{
    int r;

    pthread_mutex_lock(&p->mutex);
    switch (request) {
    case MSHV_INITIALIZE_PARTITION:
        r = initialize(p);
        break;
    case MSHV_CREATE_VP:
        r = double_vp_create(p, argument);
        break;
    case MSHV_SET_GUEST_MEMORY:
        r = double_memory_set(p, argument);
        break;
    case MSHV_ROOT_HVCALL:
        r = double_hvcall(p, true, argument);
        break;
    case MSHV_GET_GPAP_ACCESS_BITMAP:
        r = double_dirty_bitmap(p, argument);
        break;
    case MSHV_IRQFD:
    case MSHV_IOEVENTFD:
    case MSHV_SET_MSI_ROUTING:
        double_log("not-modelled ioctl 0x%x", request);
        r = -EOPNOTSUPP;
        break;
    default:
        r = -ENOTTY;
        break;
    }
    pthread_mutex_unlock(&p->mutex);
    return r;
}
