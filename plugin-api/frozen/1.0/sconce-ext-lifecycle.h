/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "sconce.lifecycle/1": for a backend that holds something for the whole process (a
 * helper process, a device handle, threads).
 */
#ifndef SCONCE_EXT_LIFECYCLE_H
#define SCONCE_EXT_LIFECYCLE_H

#include "sconce-plugin.h"

#define SCONCE_EXT_LIFECYCLE "sconce.lifecycle/1"

/**
 * struct sconce_ext_lifecycle - static.
 *
 * @release: [any-thread] no VM of this plugin is alive and the last runtime that used it is gone:
 *   give back what is held for the process. The plugin may be used again afterwards.
 */
struct sconce_ext_lifecycle {
    uint32_t size;
    uint32_t reserved0;
    void (*release)(void);
};

SCONCE_LAYOUT_AT(sconce_ext_lifecycle, release, 8);

#endif
