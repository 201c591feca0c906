/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of the contract, checked where it is compiled: a compiler, flag or edit that would
 * move a member stops here, with the member's name. Included by sconce-plugin.h.
 */
#ifndef SCONCE_PLUGIN_LAYOUT_H
#define SCONCE_PLUGIN_LAYOUT_H

#ifdef __cplusplus
#define SCONCE_LAYOUT_ASSERT(c, text) static_assert(c, text)
#else
#define SCONCE_LAYOUT_ASSERT(c, text) _Static_assert(c, text)
#endif
#define SCONCE_LAYOUT_AT(s, m, at)                                                                 \
    SCONCE_LAYOUT_ASSERT(offsetof(struct s, m) == (at), #s "." #m " has moved")
#define SCONCE_LAYOUT_SIZE(s, bytes)                                                               \
    SCONCE_LAYOUT_ASSERT(sizeof(struct s) == (bytes), #s " has another size")

SCONCE_LAYOUT_ASSERT(sizeof(void *) == 8, "the contract is for 64-bit hosts");

SCONCE_LAYOUT_AT(sconce_plugin_error, code, 8);
SCONCE_LAYOUT_AT(sconce_plugin_error, text, 16);
SCONCE_LAYOUT_AT(sconce_plugin_error, hint, 336);

SCONCE_LAYOUT_AT(sconce_plugin_host, abi_major, 4);
SCONCE_LAYOUT_AT(sconce_plugin_host, ctx, 8);
SCONCE_LAYOUT_AT(sconce_plugin_host, log, 16);
SCONCE_LAYOUT_AT(sconce_plugin_host, get_service, 24);

SCONCE_LAYOUT_AT(sconce_memory, role, 4);
SCONCE_LAYOUT_AT(sconce_memory, bytes, 8);
SCONCE_LAYOUT_AT(sconce_memory, host_addr, 16);
SCONCE_LAYOUT_AT(sconce_memory, handle, 24);
SCONCE_LAYOUT_AT(sconce_memory, offset, 32);
SCONCE_LAYOUT_AT(sconce_memory, handle_kind, 40);

SCONCE_LAYOUT_AT(sconce_mapping, prot, 4);
SCONCE_LAYOUT_AT(sconce_mapping, gpa, 8);
SCONCE_LAYOUT_AT(sconce_mapping, bytes, 16);
SCONCE_LAYOUT_AT(sconce_mapping, object_offset, 24);

SCONCE_LAYOUT_AT(sconce_vm_config, flags, 4);
SCONCE_LAYOUT_AT(sconce_vm_config, gpa_min, 8);
SCONCE_LAYOUT_AT(sconce_vm_config, gpa_max, 16);
SCONCE_LAYOUT_AT(sconce_vm_config, reserved_bytes, 24);

SCONCE_LAYOUT_SIZE(sconce_exit_doorbell, 8);
SCONCE_LAYOUT_AT(sconce_exit_syscall, raw_nr, 8);
SCONCE_LAYOUT_AT(sconce_exit_syscall, args, 16);
SCONCE_LAYOUT_AT(sconce_exit_fault, address, 8);
SCONCE_LAYOUT_AT(sconce_exit_fault, pc, 16);
SCONCE_LAYOUT_AT(sconce_exit_fault, detail, 24);
SCONCE_LAYOUT_AT(sconce_exit_fail, code, 8);
SCONCE_LAYOUT_AT(sconce_exit_fail, text, 16);
SCONCE_LAYOUT_AT(sconce_exit, kind, 4);
SCONCE_LAYOUT_AT(sconce_exit, u, 8);
SCONCE_LAYOUT_ASSERT(SCONCE_BYTES_TO(sconce_exit, u) == 136, "sconce_exit.u has another size");

SCONCE_LAYOUT_AT(sconce_entry, pc, 8);
SCONCE_LAYOUT_AT(sconce_entry, sp, 16);
SCONCE_LAYOUT_AT(sconce_entry, tls, 24);
SCONCE_LAYOUT_AT(sconce_entry, args, 32);

SCONCE_LAYOUT_AT(sconce_probe, kick_style, 4);
SCONCE_LAYOUT_AT(sconce_probe, caps, 8);
SCONCE_LAYOUT_AT(sconce_probe, max_vms, 16);
SCONCE_LAYOUT_AT(sconce_probe, granule, 20);
SCONCE_LAYOUT_AT(sconce_probe, description, 24);

SCONCE_LAYOUT_AT(sconce_plugin_ops, setting_count, 4);
SCONCE_LAYOUT_AT(sconce_plugin_ops, settings, 8);
SCONCE_LAYOUT_AT(sconce_plugin_ops, configure, 16);
SCONCE_LAYOUT_AT(sconce_plugin_ops, probe, 24);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vm_create, 32);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vm_destroy, 40);
SCONCE_LAYOUT_AT(sconce_plugin_ops, mem_map, 48);
SCONCE_LAYOUT_AT(sconce_plugin_ops, mem_unmap, 56);
SCONCE_LAYOUT_AT(sconce_plugin_ops, mem_sync_code, 64);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_reset, 72);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_enter, 80);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_run, 88);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_complete, 96);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_set_tls, 104);
SCONCE_LAYOUT_AT(sconce_plugin_ops, vcpu_kick_local, 112);

SCONCE_LAYOUT_AT(sconce_plugin, abi_major, 8);
SCONCE_LAYOUT_AT(sconce_plugin, abi_minor, 10);
SCONCE_LAYOUT_AT(sconce_plugin, min_host_minor, 12);
SCONCE_LAYOUT_AT(sconce_plugin, thread_model, 14);
SCONCE_LAYOUT_AT(sconce_plugin, name, 16);
SCONCE_LAYOUT_AT(sconce_plugin, version, 24);
SCONCE_LAYOUT_AT(sconce_plugin, arch, 32);
SCONCE_LAYOUT_AT(sconce_plugin, mechanism, 40);
SCONCE_LAYOUT_AT(sconce_plugin, isolation, 48);
SCONCE_LAYOUT_AT(sconce_plugin, ops, 56);
SCONCE_LAYOUT_AT(sconce_plugin, get_extension, 64);
SCONCE_LAYOUT_AT(sconce_plugin, reserved0, 72);

#endif
