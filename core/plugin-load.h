/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that this process has loaded. The list of them is the one thing here that is global to
 * the process, because what it mirrors is: the dynamic linker's own list (which gives out the same
 * code again for the same name or inode) and the contract's "entered once per process and file".
 * Nothing is ever unloaded.
 */
#ifndef SCONCE_CORE_PLUGIN_LOAD_H
#define SCONCE_CORE_PLUGIN_LOAD_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sconce/error.h>

#include "common/lock.h"
#include "core/backend.h"
#include "core/log.h"
#include "core/plugin-find.h"
#include "core/plugin-host.h"
#include "sconce-ext-lifecycle.h"

/* One plugin file. A file renamed over it is another one. */
struct sconce_plugin_file {
    struct sconce_plugin_file *next; /* never removed once the file is mapped */
    struct stat st;                  /* what was loaded */
    void *handle;
    const struct sconce_plugin *descriptor; /* NULL until it has been entered */
    bool ready;                             /* base and lifecycle are filled */
    struct sconce_error refusal;            /* code not 0: refused for good */
    struct sconce_plugin_services services;
    uint16_t abi_minor;         /* that it was built for */
    struct sconce_backend base; /* negotiated; not probed */
    struct sconce_ext_lifecycle lifecycle;

    struct sconce_lock lock; /* of the rest, around configure and probe, and the one_lock */
    bool *changed;           /* by setting: a runtime has set it in this process */
    struct sconce_plugin_probed *probed;
};

/**
 * sconce_plugin_load - load a file that sconce_plugin_find found, or find it among those loaded.
 * @log: [borrow until sconce_plugin_put] gets what the plugin logs.
 * Errors: SCONCE_E_NO_BACKEND, with the file in the text; NO_MEMORY.
 */
int sconce_plugin_load(const struct sconce_plugin_found *found, const struct sconce_log *log,
                       struct sconce_plugin_file **ret_file, struct sconce_error *err);

/** sconce_plugin_put - @log's runtime uses the plugin no more, and none of its VMs is alive. The
 * last one gone, the plugin gives back what it holds for the process. */
void sconce_plugin_put(struct sconce_plugin_file *file, const struct sconce_log *log);

#endif
