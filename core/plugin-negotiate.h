/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a plugin's descriptor to the core's own copies. Sizes decide what is there: a plugin that
 * knows less leaves the rest zero, one that knows more is cut to what this core knows. Calls
 * nothing in the plugin but get_extension; reads no file.
 */
#ifndef SCONCE_CORE_PLUGIN_NEGOTIATE_H
#define SCONCE_CORE_PLUGIN_NEGOTIATE_H

#include "core/backend.h"
#include "core/plugin-note.h"
#include "sconce-ext-lifecycle.h"

/**
 * sconce_plugin_negotiate - check a descriptor against the contract and the plugin's note.
 * @from: what the entry function returned; not NULL.
 * @ret_backend: filled but for path, probe and one_lock; its strings and settings are owned by it.
 * @ret_lifecycle: size 0 when the plugin has no such extension.
 * Errors: SCONCE_E_NO_BACKEND with what breaks the contract, without the plugin's name; NO_MEMORY.
 */
int sconce_plugin_negotiate(const struct sconce_plugin *from,
                            const struct sconce_plugin_facts *facts,
                            struct sconce_backend *ret_backend,
                            struct sconce_ext_lifecycle *ret_lifecycle, struct sconce_error *err);

/** sconce_plugin_negotiate_clear - give back what a filled backend owns. */
void sconce_plugin_negotiate_clear(struct sconce_backend *backend);

#endif
