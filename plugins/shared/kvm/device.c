/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/kvm and what comes out of it. Every refusal has its own words. */
#include "plugins/shared/kvm/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memfd.h"
#include "plugins/shared/plugin-error.h"

/* The stable interface's version since Linux 2.6.22: Documentation/virt/kvm/api.rst 4.1. */
#define API_VERSION 12

#define HINT_GROUP "add the user to the group kvm (usermod -aG kvm USER) and log in again"
#define HINT_FILES "raise the limit of open files (ulimit -n), or keep fewer sandboxes"
#define HINT_DEVICE "set device to KVM's device node, usually " SCONCE_KVM_DEVICE

int sconce_kvm_ioctl(int fd, unsigned long request, const void *argument)
{
    int r;

    do {
        r = ioctl(fd, request, argument);
    } while (r < 0 && errno == EINTR);
    return r;
}

int sconce_kvm_check_extension(int fd, long number)
{
    int r = ioctl(fd, KVM_CHECK_EXTENSION, number);

    return r < 0 ? 0 : r;
}

static int32_t cannot_open(const char *device, int errnum, const struct sconce_kvm_needs *needs,
                           struct sconce_plugin_error *err)
{
    const char *hint;

    switch (errnum) {
    case EACCES:
    case EPERM:
        hint = HINT_GROUP;
        break;
    case ENOENT:
    case ENXIO:
    case ENODEV:
        hint = needs->no_device;
        break;
    case EMFILE:
    case ENFILE:
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errnum,
                                  HINT_FILES, "cannot open %s", device);
    default:
        hint = NULL;
        break;
    }
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errnum, hint,
                              "cannot open %s", device);
}

static int32_t check_version(int fd, const char *device, struct sconce_plugin_error *err)
{
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);

    if (version < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  HINT_DEVICE, "%s does not answer as KVM does", device);
    if (version != API_VERSION)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN, version, SCONCE_KVM_HINT_KERNEL,
            "%s speaks version %d of the KVM interface, not %d", device, version, API_VERSION);
    return SCONCE_PLUGIN_OK;
}

static int32_t check_caps(int fd, const struct sconce_kvm_needs *needs, const char *device,
                          struct sconce_plugin_error *err)
{
    char missing[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < needs->cap_count; i++) {
        if (sconce_kvm_check_extension(fd, needs->caps[i].number) > 0)
            continue;
        if (used < sizeof missing)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%s",
                                     used ? ", " : "", needs->caps[i].name);
    }
    if (!used)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                              SCONCE_KVM_HINT_KERNEL, "KVM at %s lacks %s", device, missing);
}

int32_t sconce_kvm_open(const char *device, const struct sconce_kvm_needs *needs, int *ret_fd,
                        struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = open(device, O_RDWR | O_CLOEXEC);
    int32_t r;

    if (fd < 0)
        return cannot_open(device, errno, needs, err);
    r = check_version(fd, device, err);
    if (r == SCONCE_PLUGIN_OK)
        r = check_caps(fd, needs, device, err);
    if (r == SCONCE_PLUGIN_OK)
        *ret_fd = sconce_steal_fd(&fd);
    return r;
}

static int32_t cannot(struct sconce_plugin_error *err, const char *what)
{
    int errnum = errno;
    const char *hint = NULL;

    if (errnum == EMFILE)
        hint = HINT_FILES;
    else if (errnum == EBUSY)
        hint = "another hypervisor is using the processor's virtualization; stop it";
    return sconce_plugin_fail(err,
                              errnum == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
                              SCONCE_DOMAIN_ERRNO, errnum, hint, "cannot %s", what);
}

int32_t sconce_kvm_machine_init(struct sconce_kvm_machine *machine, int device_fd,
                                unsigned long type, bool ring, struct sconce_plugin_error *err)
{
    int run_bytes;
    void *run;

    /* EINTR is real here: the kernel gives up waiting for its locks when a signal is pending. */
    do {
        machine->vm_fd = ioctl(device_fd, KVM_CREATE_VM, type);
    } while (machine->vm_fd < 0 && errno == EINTR);
    machine->vm_fd = sconce_off_streams(machine->vm_fd);
    if (machine->vm_fd < 0)
        return cannot(err, "create a KVM virtual machine");
    if (ring)
        sconce_kvm_ring_ask(&machine->ring, machine->vm_fd);
    machine->vcpu_fd = sconce_off_streams(ioctl(machine->vm_fd, KVM_CREATE_VCPU, 0));
    if (machine->vcpu_fd < 0)
        return cannot(err, "create a KVM vCPU");
    run_bytes = ioctl(device_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_bytes < 0)
        return cannot(err, "learn the size of a KVM vCPU's shared page");
    if (run_bytes < (int)sizeof *machine->run)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "a KVM vCPU's shared page has %d bytes, not the %zu of its "
                                  "registers and exits",
                                  run_bytes, sizeof *machine->run);
    run = mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu_fd, 0);
    if (run == MAP_FAILED)
        return cannot(err, "map a KVM vCPU's shared page");
    machine->run = run;
    machine->run_bytes = (size_t)run_bytes;
    return SCONCE_PLUGIN_OK;
}

void sconce_kvm_machine_fini(struct sconce_kvm_machine *machine)
{
    sconce_kvm_ring_unmap(&machine->ring);
    if (machine->run)
        munmap(machine->run, machine->run_bytes);
    if (machine->vcpu_fd >= 0)
        close(machine->vcpu_fd);
    if (machine->vm_fd >= 0)
        close(machine->vm_fd);
    *machine = (struct sconce_kvm_machine)SCONCE_KVM_MACHINE_EMPTY;
}
