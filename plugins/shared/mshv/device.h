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

/* Which of the host's features guests are to be without; what a kernel's first form cannot hide is
 * hidden by the architecture, as far as it can. */
struct sconce_mshv_features {
    uint64_t cpu_disabled[MSHV_CPU_FEATURE_BANKS];
    uint64_t xsave_disabled;
};

/** sconce_mshv_ioctl - ioctl(2) again after EINTR; not for RUN_VP. -1 and errno on failure. */
int sconce_mshv_ioctl(int fd, unsigned long request, void *argument);

/**
 * sconce_mshv_open - @ret_fd: the caller closes it; close-on-exec.
 * Errors: UNAVAILABLE, with what is missing and what to do; SYSTEM.
 */
int32_t sconce_mshv_open(const char *device, int *ret_fd, struct sconce_plugin_error *err);

/* Two descriptors and, where the hypervisor gives it, one page. */
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
 * @wants_register_page: the architecture has one.
 */
int32_t sconce_mshv_machine_init(struct sconce_mshv_machine *machine, const char *device,
                                 int device_fd, const struct sconce_mshv_features *features,
                                 bool wants_register_page, struct sconce_plugin_error *err);

/** sconce_mshv_machine_fini - takes an empty or half-built one too. */
void sconce_mshv_machine_fini(struct sconce_mshv_machine *machine);

#endif
