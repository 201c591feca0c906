/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/mshv and what comes out of it. Every refusal has its own words. */
#include "plugins/shared/mshv/device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memfd.h"
#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/plugin-error.h"

#define HINT_NONE                                                                                  \
    "run Linux 6.15 or later as the root partition of Hyper-V, with CONFIG_MSHV_ROOT (modprobe "   \
    "mshv_root)"
#define HINT_RIGHT                                                                                 \
    "the device is root's alone (mode 0600): run as root, or give it to a group by a udev rule"
#define HINT_FILES "raise the limit of open files (ulimit -n), or keep fewer sandboxes"
#define HINT_DEVICE "set device to the hypervisor's device node, usually " SCONCE_MSHV_DEVICE
#define HINT_KERNEL "use the interface of upstream Linux, 6.15 or later"

int sconce_mshv_ioctl(int fd, unsigned long request, void *argument)
{
    unsigned tries = 0;
    int r;

    do {
        r = ioctl(fd, request, argument);
    } while (r < 0 && errno == EINTR && ++tries < SCONCE_MSHV_MAX_IDLE);
    return r;
}

int32_t sconce_mshv_open(const char *device, int *ret_fd, struct sconce_plugin_error *err)
{
    int32_t status = SCONCE_PLUGIN_E_UNAVAILABLE;
    const char *hint = NULL;
    int fd = sconce_off_streams(open(device, O_RDWR | O_CLOEXEC));

    if (fd >= 0) {
        *ret_fd = fd;
        return SCONCE_PLUGIN_OK;
    }
    switch (errno) {
    case EACCES:
    case EPERM:
        hint = HINT_RIGHT;
        break;
    case ENOENT:
    case ENXIO:
    case ENODEV:
        hint = HINT_NONE;
        break;
    case EMFILE:
    case ENFILE:
        status = SCONCE_PLUGIN_E_SYSTEM;
        hint = HINT_FILES;
        break;
    default:
        break;
    }
    return sconce_plugin_fail(err, status, SCONCE_DOMAIN_ERRNO, errno, hint, "cannot open %s",
                              device);
}

static int32_t cannot(struct sconce_plugin_error *err, const char *what)
{
    int errnum = errno;

    return sconce_plugin_fail(
        err, errnum == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
        SCONCE_DOMAIN_ERRNO, errnum, errnum == EMFILE ? HINT_FILES : NULL, "cannot %s", what);
}

static int create_masked(int device_fd, const struct sconce_mshv_features *features)
{
    struct mshv_create_partition_v2 v2 = {
        .v1.flags = MSHV_PT_CPU_AND_XSAVE_FEATURES,
        .cpu_banks = MSHV_CPU_FEATURE_BANKS,
        .cpu_disabled = {features->cpu_disabled[0], features->cpu_disabled[1]},
        .xsave_disabled = features->xsave_disabled,
    };

    return sconce_mshv_ioctl(device_fd, MSHV_CREATE_PARTITION, &v2);
}

/* An older kernel does not know the second form: to it the flag is one too many, EINVAL. A mask
 * that the hypervisor does not take comes as EIO, as much else does: so it is tried once more, and
 * what was for a moment only costs no mask. */
static int create_partition(struct sconce_mshv_machine *machine, int device_fd,
                            const struct sconce_mshv_features *features,
                            enum sconce_mshv_masks masks)
{
    struct mshv_create_partition v1 = {.flags = 0};
    int fd = -1;

    if (masks != SCONCE_MSHV_MASKS_NONE)
        fd = create_masked(device_fd, features);
    if (masks == SCONCE_MSHV_MASKS_TRY && fd < 0 && errno == EIO)
        fd = create_masked(device_fd, features);
    machine->has_masks = fd >= 0;
    if (masks == SCONCE_MSHV_MASKS_NONE ||
        (masks == SCONCE_MSHV_MASKS_TRY && fd < 0 && (errno == EINVAL || errno == EIO)))
        fd = sconce_mshv_ioctl(device_fd, MSHV_CREATE_PARTITION, &v1);
    return sconce_off_streams(fd);
}

static int32_t cannot_create(const char *device, struct sconce_plugin_error *err)
{
    switch (errno) {
    case ENOTTY:
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  HINT_DEVICE, "%s does not answer as the driver does", device);
    case EINVAL:
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  HINT_KERNEL, "%s takes no form of partition that is known here",
                                  device);
    default:
        return cannot(err, "create a partition");
    }
}

/* What can be said before the partition is initialized alone. That unknown MSRs fault is what a
 * hypervisor does that cannot be told. */
static int32_t set_early_properties(int partition_fd, bool has_msrs,
                                    struct sconce_plugin_error *err)
{
    struct sconce_plugin_error why = {.size = sizeof why};
    int32_t r =
        sconce_mshv_set_property(partition_fd, MSHV_PROPERTY_SYNTHETIC_PROC_FEATURES, 0, err);

    if (r != SCONCE_PLUGIN_OK || !has_msrs)
        return r;
    r = sconce_mshv_set_property(partition_fd, MSHV_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
                                 MSHV_UNIMPLEMENTED_MSR_FAULT, &why);
    if (r == SCONCE_PLUGIN_OK ||
        (why.domain == SCONCE_DOMAIN_HV_STATUS && why.code == MSHV_HV_UNKNOWN_PROPERTY))
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_pass(err, r, &why);
}

static int32_t map_register_page(struct sconce_mshv_machine *machine,
                                 struct sconce_plugin_error *err)
{
    void *page = mmap(NULL, MSHV_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vp_fd,
                      (off_t)MSHV_PAGE_REGISTERS * MSHV_PAGE);

    if (page != MAP_FAILED)
        machine->register_page = page;
    else if (errno != ENODEV)
        return cannot(err, "map a virtual processor's register page");
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_mshv_machine_init(struct sconce_mshv_machine *machine, const char *device,
                                 int device_fd, const struct sconce_mshv_features *features,
                                 enum sconce_mshv_masks masks, struct sconce_plugin_error *err)
{
    struct mshv_create_vp vp = {.vp_index = 0};
    int32_t r;

    machine->partition_fd = create_partition(machine, device_fd, features, masks);
    if (machine->partition_fd < 0)
        return cannot_create(device, err);
    r = set_early_properties(machine->partition_fd, features->has_msrs, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (sconce_mshv_ioctl(machine->partition_fd, MSHV_INITIALIZE_PARTITION, NULL) < 0)
        return cannot(err, "initialize a partition");
    machine->vp_fd =
        sconce_off_streams(sconce_mshv_ioctl(machine->partition_fd, MSHV_CREATE_VP, &vp));
    if (machine->vp_fd < 0)
        return cannot(err, "create a virtual processor");
    return features->has_register_page ? map_register_page(machine, err) : SCONCE_PLUGIN_OK;
}

void sconce_mshv_machine_fini(struct sconce_mshv_machine *machine)
{
    if (machine->register_page)
        munmap(machine->register_page, MSHV_PAGE);
    if (machine->vp_fd >= 0)
        close(machine->vp_fd);
    if (machine->partition_fd >= 0)
        close(machine->partition_fd);
    *machine = (struct sconce_mshv_machine)SCONCE_MSHV_MACHINE_EMPTY;
}
