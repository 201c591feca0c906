/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "sconce.dirty/1": which of its memory a guest has written. With it the core puts back,
 * after a call, the pages that were written since a snapshot, and not all that there is. It must be
 * complete: a page that is not told stays as the guest left it, for whoever comes next.
 */
#ifndef SCONCE_EXT_DIRTY_H
#define SCONCE_EXT_DIRTY_H

#include "sconce-plugin.h"

#define SCONCE_EXT_DIRTY "sconce.dirty/1"

/**
 * struct sconce_ext_dirty - static; callbacks are [vm-serial], and called between exits.
 *
 * What the host writes through its own view of the memory is the core's to know, and need not be
 * told. What the mechanism itself writes there for the guest must.
 *
 * @begin: forget what was written so far, and keep track from now on. After the first vcpu_enter.
 *   Not on the path of a call: it may cost something for each page that was written, and make the
 *   next write to each dearer. Errors: INVALID; NOT_SUPPORTED on a machine that cannot; NO_MEMORY,
 *   SYSTEM. Collect is not called after a failure, before a begin that succeeds.
 * @collect: call @wrote for [gpa, gpa + bytes) of mapped memory, as often as it takes, so that each
 *   byte that the guest has written since @begin is in one of them; page by page at the most, more
 *   than was written is no fault. What was told may be told again by the next, or may not. @wrote
 *   must not call the plugin.
 */
struct sconce_ext_dirty {
    uint32_t size;
    uint32_t reserved0;
    int32_t (*begin)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);
    int32_t (*collect)(struct sconce_plugin_vm *vm,
                       void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                       struct sconce_plugin_error *err);
};

SCONCE_LAYOUT_AT(sconce_ext_dirty, begin, 8);
SCONCE_LAYOUT_AT(sconce_ext_dirty, collect, 16);

#endif
