/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening KVM, and telling precisely why it cannot be used; a VM with its one vCPU. Knows no
 * architecture.
 */
#ifndef SCONCE_PLUGINS_SHARED_KVM_DEVICE_H
#define SCONCE_PLUGINS_SHARED_KVM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kvm.h>

#include "plugins/shared/kvm/ring.h"
#include "sconce-plugin.h"

#define SCONCE_KVM_DEVICE "/dev/kvm"

#define SCONCE_KVM_HINT_KERNEL "use a newer kernel: Linux 5.10 has all that is needed"

/* A capability that a backend cannot do without (KVM_CAP_*), named for the message. */
struct sconce_kvm_cap {
    long number;
    const char *name;
};

/** sconce_kvm_ioctl - ioctl(2) again after EINTR; not for KVM_RUN. -1 and errno on failure. */
int sconce_kvm_ioctl(int fd, unsigned long request, const void *argument);

/** sconce_kvm_check_extension - what KVM says of a capability; 0 when it does not know it. */
int sconce_kvm_check_extension(int fd, long number);

/* What a backend asks of KVM. */
struct sconce_kvm_needs {
    const struct sconce_kvm_cap *caps;
    size_t cap_count;
    const char *no_device; /* what to do where there is no device: hint */
};

/**
 * sconce_kvm_open - open @device and check version and capabilities.
 * @ret_fd: the caller closes it; close-on-exec.
 * Errors: UNAVAILABLE, with what is missing and what to do.
 */
int32_t sconce_kvm_open(const char *device, const struct sconce_kvm_needs *needs, int *ret_fd,
                        struct sconce_plugin_error *err);

/* Two descriptors and one mapping, two once the ring is read. */
struct sconce_kvm_machine {
    /* NULL, or asked when KVM_RUN was interrupted: has the guest had its time? */
    bool (*has_expired)(const struct kvm_run *run);
    int vm_fd;
    int vcpu_fd;
    struct kvm_run *run; /* shared with the kernel */
    size_t run_bytes;
    struct sconce_kvm_ring ring; /* of pages that the guest has written */
};

#define SCONCE_KVM_MACHINE_EMPTY                                                                   \
    {                                                                                              \
        .vm_fd = -1, .vcpu_fd = -1                                                                 \
    }

/** sconce_kvm_machine_init - a VM without memory, and a vCPU that has never run.
 * @ring: is it to have a ring, if KVM has one? */
int32_t sconce_kvm_machine_init(struct sconce_kvm_machine *machine, int device_fd,
                                unsigned long type, bool ring, struct sconce_plugin_error *err);

/** sconce_kvm_machine_fini - takes an empty or half-built one too. */
void sconce_kvm_machine_fini(struct sconce_kvm_machine *machine);

#endif
