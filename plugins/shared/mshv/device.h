/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening /dev/mshv, and telling precisely why it cannot be used; a partition with its one VP.
 * Knows no architecture. Every call is libc's open, ioctl, mmap or close.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_DEVICE_H
#define SCONCE_PLUGINS_SHARED_MSHV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"
#include "sconce-plugin.h"

#define SCONCE_MSHV_DEVICE "/dev/mshv"

/* What of an architecture a partition is made by. */
struct sconce_mshv_features {
    /* Which of the host's features guests are to be without; what a kernel's first form cannot hide
     * is hidden by the architecture, as far as it can. */
    uint64_t cpu_disabled[MSHV_CPU_FEATURE_BANKS];
    uint64_t xsave_disabled;
    bool has_msrs;          /* there is something to be said of those that nobody knows */
    bool has_register_page; /* a VP may have one */
};

/* Whether a partition is made with them. Once it is known that a machine takes them, a refusal is
 * an error: without them a guest would have what nothing was prepared for. */
enum sconce_mshv_masks {
    SCONCE_MSHV_MASKS_TRY, /* the machine->has_masks that comes of it is what the next ones are to
                            * be made with */
    SCONCE_MSHV_MASKS_ALL,
    SCONCE_MSHV_MASKS_NONE,
};

/** sconce_mshv_ioctl - ioctl(2) again after EINTR, but not for ever; not for RUN_VP. -1 and errno
 * on failure. */
int sconce_mshv_ioctl(int fd, unsigned long request, void *argument);

/**
 * sconce_mshv_open - @ret_fd: the caller closes it; close-on-exec.
 * Errors: UNAVAILABLE, with what is missing and what to do; SYSTEM.
 */
int32_t sconce_mshv_open(const char *device, int *ret_fd, struct sconce_plugin_error *err);

/* Two descriptors, never 0 to 2 (common/memfd.h: one that would be is duplicated by fcntl), and,
 * where the hypervisor gives it, one page. */
struct sconce_mshv_machine {
    int partition_fd;
    int vp_fd;
    void *register_page; /* NULL: registers go by hypercall alone */
    bool has_masks;      /* the kernel took the features */
};

#define SCONCE_MSHV_MACHINE_EMPTY                                                                  \
    {                                                                                              \
        .partition_fd = -1, .vp_fd = -1                                                            \
    }

/**
 * sconce_mshv_machine_init - an initialized partition without memory, and VP 0, which has never
 * run.
 * @device: its name, for messages: an ioctl that it does not know makes it UNAVAILABLE.
 */
int32_t sconce_mshv_machine_init(struct sconce_mshv_machine *machine, const char *device,
                                 int device_fd, const struct sconce_mshv_features *features,
                                 enum sconce_mshv_masks masks, struct sconce_plugin_error *err);

/** sconce_mshv_machine_fini - takes an empty or half-built one too. */
void sconce_mshv_machine_fini(struct sconce_mshv_machine *machine);

#endif
