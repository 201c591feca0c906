/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded backend: the core's own copies of what the plugin gave, checked, with every absent
 * optional op replaced by one that answers "not supported".
 */
#ifndef SCONCE_CORE_BACKEND_H
#define SCONCE_CORE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include <sconce/error.h>
#include <sconce/sconce.h>

#include "sconce-ext-arch.h"
#include "sconce-ext-dirty.h"
#include "sconce-ext-fault.h"
#include "sconce-ext-regs.h"
#include "sconce-plugin.h"

/*
 * Lives as long as the process: plugins are never unmapped (docs/plugin-abi.md). Never changes once
 * it has been handed out, so that any thread may read it; when the same plugin probes differently
 * later (other settings), that is another struct sconce_backend.
 */
struct sconce_backend {
    char *name;
    char *version;
    char *arch_name;
    char *mechanism;
    char *isolation;
    char *status;
    char *requires_;
    char *path;
    uint32_t machine;
    uint16_t thread_model;
    struct sconce_lock *one_lock; /* the plugin's: held around each op of SCONCE_THREADS_ONE */
    bool probed;                  /* probe succeeded; it is filled */
    struct sconce_plugin_ops ops; /* no callback is NULL */
    struct sconce_probe probe;
    struct sconce_ext_arch arch;   /* size 0 when the plugin has none */
    struct sconce_ext_regs regs;   /* size 0 when the plugin has none */
    struct sconce_ext_fault fault; /* likewise */
    struct sconce_ext_dirty dirty; /* likewise */
};

/** sconce_backend_error - turn a plugin's failure into ours: "NAME: text", hint kept. Maps the
 * status to an SCONCE_E_* code and returns it. */
int sconce_backend_error(const struct sconce_backend *backend, int32_t status,
                         const struct sconce_plugin_error *from, struct sconce_error *err);

/** sconce_backend_describe - the public view; strings borrowed from @backend. */
void sconce_backend_describe(const struct sconce_backend *backend,
                             struct sconce_backend_info *ret_info);

#endif
