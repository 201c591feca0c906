/* SPDX-License-Identifier: Apache-2.0 */
/* What the core hands to the ops of a VM: copied, and checked for what no mechanism takes. */
#ifndef SCONCE_PLUGINS_SHARED_GIVEN_H
#define SCONCE_PLUGINS_SHARED_GIVEN_H

#include "sconce-plugin.h"

/** sconce_given_config - of vm_create; its addresses are the backend's to check. INVALID. */
int32_t sconce_given_config(const struct sconce_vm_config *given,
                            struct sconce_vm_config *ret_config, struct sconce_plugin_error *err);

/**
 * sconce_given_space - the same, for a guest in a virtual machine's physical addresses. INVALID.
 * @alignment: of gpa_max; @address_bits: what a guest-physical address may have.
 */
int32_t sconce_given_space(const struct sconce_vm_config *given, uint64_t alignment,
                           unsigned address_bits, struct sconce_vm_config *ret_config,
                           struct sconce_plugin_error *err);

/** sconce_given_entry - of vcpu_enter; its values are the architecture's to check. INVALID. */
int32_t sconce_given_entry(const struct sconce_entry *given, struct sconce_entry *ret_entry,
                           struct sconce_plugin_error *err);

/**
 * sconce_given_entry_holds - can a guest hold the entry's values?
 * @problem, @value: what the architecture's entry_problem() says; NULL is well. INVALID.
 */
int32_t sconce_given_entry_holds(const char *problem, uint64_t value,
                                 struct sconce_plugin_error *err);

#endif
