/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: descriptor, ops, settings, extensions and probe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sconce-ext-arch.h"
#include "sconce-ext-lifecycle.h"
#include "tools/plugin-check/elf-file.h"
#include "tools/plugin-check/plugin.h"

static enum check_outcome check_alone(struct check *check)
{
    struct check_plugin plugin;

    return check_plugin_load(check, &plugin);
}

static enum check_outcome same_fact(struct check *check, const struct check_elf *elf,
                                    const char *key, const char *value)
{
    char fact[256];

    CHECK(check, value, "the descriptor's %s is NULL", key);
    CHECK(check, check_elf_fact(elf, key, fact, sizeof fact), "the note has no %s=", key);
    CHECK(check, strcmp(fact, value) == 0, "the descriptor says %s %s, the note %s", key, value,
          fact);
    return CHECK_OK;
}

static enum check_outcome check_descriptor(struct check *check)
{
    const struct sconce_plugin *descriptor;
    struct check_plugin plugin;
    struct check_elf elf;
    char abi[32];

    CHECK_STEP(check_plugin_load(check, &plugin));
    CHECK(check, !check_elf_read(check->setup->path, &elf), "the file cannot be read");
    descriptor = plugin.descriptor;
    CHECK_STEP(same_fact(check, &elf, "name", descriptor->name));
    CHECK_STEP(same_fact(check, &elf, "version", descriptor->version));
    CHECK_STEP(same_fact(check, &elf, "arch", descriptor->arch));
    CHECK_STEP(same_fact(check, &elf, "mechanism", descriptor->mechanism));
    CHECK_STEP(same_fact(check, &elf, "isolation", descriptor->isolation));
    snprintf(abi, sizeof abi, "%u.%u", descriptor->abi_major, descriptor->abi_minor);
    CHECK_STEP(same_fact(check, &elf, "abi", abi));
    CHECK(check,
          descriptor->thread_model == SCONCE_THREADS_ONE ||
              descriptor->thread_model == SCONCE_THREADS_PER_VM,
          "%u is no thread model", descriptor->thread_model);
    CHECK(check, descriptor->reserved0 == 0, "reserved0 of the descriptor is not zero");
    return CHECK_OK;
}

static enum check_outcome check_ops(struct check *check)
{
    struct check_plugin plugin;
    const struct sconce_plugin_ops *ops;

    CHECK_STEP(check_plugin_load(check, &plugin));
    ops = plugin.ops;
    CHECK(check, ops->probe, "the op probe is missing");
    CHECK(check, ops->vm_create, "the op vm_create is missing");
    CHECK(check, ops->vm_destroy, "the op vm_destroy is missing");
    CHECK(check, ops->mem_map, "the op mem_map is missing");
    CHECK(check, ops->vcpu_reset, "the op vcpu_reset is missing");
    CHECK(check, ops->vcpu_enter, "the op vcpu_enter is missing");
    CHECK(check, ops->vcpu_run, "the op vcpu_run is missing");
    CHECK(check, ops->vcpu_complete, "the op vcpu_complete is missing");
    CHECK(check, ops->vcpu_set_tls, "the op vcpu_set_tls is missing");
    CHECK(check, ops->vcpu_kick_local, "the op vcpu_kick_local is missing");
    CHECK(check, ops->configure || ops->setting_count == 0,
          "there are settings, but the op configure is missing");
    return CHECK_OK;
}

static enum check_outcome check_settings(struct check *check)
{
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_load(check, &plugin));
    for (uint32_t i = 0; i < plugin.ops->setting_count; i++) {
        const struct sconce_plugin_setting *setting = &plugin.ops->settings[i];

        CHECK(check, setting->key && setting->key[0] != '\0', "setting %u has no key", i);
        CHECK(check,
              setting->key[strspn(setting->key, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0',
              "the key %s is not of the form [a-z0-9_.]+", setting->key);
        CHECK(check, setting->help && setting->help[0] != '\0' && !strchr(setting->help, '\n'),
              "the setting %s has no help of one line", setting->key);
    }
    return CHECK_OK;
}

static enum check_outcome check_unknown_setting(struct check *check)
{
    struct check_plugin plugin;
    int32_t status;

    CHECK_STEP(check_plugin_load(check, &plugin));
    if (!plugin.ops->configure)
        return check_skip(check, "it has no settings");
    status = plugin.ops->configure("nonesuch.key", "1", check_err(&plugin));
    CHECK_STEP(check_refused(check, &plugin, status, "the unknown setting nonesuch.key"));
    CHECK(check, strstr(plugin.err.text, "nonesuch.key"), "the text \"%s\" does not name the key",
          plugin.err.text);
    return CHECK_OK;
}

static enum check_outcome check_defaults(struct check *check)
{
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_load(check, &plugin));
    for (uint32_t i = 0; i < plugin.ops->setting_count; i++) {
        const struct sconce_plugin_setting *setting = &plugin.ops->settings[i];

        if (!setting->default_value)
            continue;
        CHECK_STEP(check_done(
            check, &plugin,
            plugin.ops->configure(setting->key, setting->default_value, check_err(&plugin)),
            setting->key));
    }
    return CHECK_OK;
}

static const void *extension(const struct check_plugin *plugin, const char *id)
{
    return plugin->descriptor->get_extension ? plugin->descriptor->get_extension(id) : NULL;
}

static enum check_outcome check_extensions(struct check *check)
{
    const struct sconce_ext_lifecycle *lifecycle;
    const struct sconce_ext_arch *arch;
    const struct sconce_ext_regs *regs;
    struct check_plugin plugin;
    char name[64] = "";

    CHECK_STEP(check_plugin_load(check, &plugin));
    CHECK_STEP(check_plugin_configure(check, &plugin));
    CHECK(check, !extension(&plugin, "sconce.nonesuch/1"), "it offers sconce.nonesuch/1");
    arch = extension(&plugin, SCONCE_EXT_ARCH);
    regs = extension(&plugin, SCONCE_EXT_REGS);
    lifecycle = extension(&plugin, SCONCE_EXT_LIFECYCLE);
    CHECK(check, arch, SCONCE_EXT_ARCH " is missing");
    CHECK(check,
          SCONCE_HAS(sconce_ext_arch, arch, describe_fault) && arch->name && arch->syscall_name &&
              arch->describe_fault && arch->page_bytes > 0,
          SCONCE_EXT_ARCH " is not filled in");
    CHECK(check, check->setup->machine == 0 || arch->elf_machine == check->setup->machine,
          SCONCE_EXT_ARCH " is of machine %u, the note of machine %u", arch->elf_machine,
          check->setup->machine);
    CHECK(check, !regs || (SCONCE_HAS(sconce_ext_regs, regs, set) && regs->get && regs->set),
          SCONCE_EXT_REGS " is not filled in");
    CHECK(check,
          !lifecycle ||
              (SCONCE_HAS(sconce_ext_lifecycle, lifecycle, release) && lifecycle->release),
          SCONCE_EXT_LIFECYCLE " is not filled in");
    snprintf(name, sizeof name, "%s%s%s", SCONCE_EXT_ARCH, regs ? ", " SCONCE_EXT_REGS : "",
             lifecycle ? ", " SCONCE_EXT_LIFECYCLE : "");
    return check_note(check, "%s", name);
}

/* Whatever a fault's numbers are, its description fits its buffer. */
static enum check_outcome check_describe(struct check *check)
{
    const struct sconce_ext_arch *arch;
    struct check_plugin plugin;

    CHECK_STEP(check_plugin_load(check, &plugin));
    CHECK_STEP(check_plugin_configure(check, &plugin));
    arch = extension(&plugin, SCONCE_EXT_ARCH);
    CHECK(check, arch, SCONCE_EXT_ARCH " is missing");
    for (uint32_t kind = 0; kind <= SCONCE_FAULT_OTHER + 1; kind++) {
        const struct sconce_exit_fault fault = {
            .kind = kind, .access = 9, .address = UINT64_MAX, .pc = 1, .detail = UINT64_MAX - kind};
        char text[24];

        for (uint64_t bytes = 1; bytes <= 16; bytes++) {
            memset(text, 0x5a, sizeof text);
            arch->describe_fault(&fault, text, bytes);
            CHECK(check, memchr(text, '\0', bytes), "%u bytes of buffer were left without NUL",
                  (unsigned)bytes);
            CHECK(check, text[bytes] == 0x5a, "it wrote behind a buffer of %u bytes",
                  (unsigned)bytes);
        }
    }
    (void)arch->syscall_name(UINT64_MAX);
    return CHECK_OK;
}

static enum check_outcome check_probe(struct check *check)
{
    struct sconce_probe first = {.size = sizeof first}, second = {.size = sizeof second};
    struct {
        struct sconce_probe probe;
        uint64_t later;
    } larger = {.probe = {.size = sizeof larger}};
    struct check_holdings before, after;
    struct check_plugin plugin;
    bool fits;

    CHECK_STEP(check_plugin_load(check, &plugin));
    CHECK_STEP(check_plugin_configure(check, &plugin));
    CHECK_STEP(check_done(check, &plugin, plugin.ops->probe(&first, check_err(&plugin)), "probe"));
    before = check_count();
    CHECK_STEP(
        check_done(check, &plugin, plugin.ops->probe(&second, check_err(&plugin)), "probe again"));
    CHECK_STEP(check_done(check, &plugin, plugin.ops->probe(&larger.probe, check_err(&plugin)),
                          "probe for a newer core"));
    after = check_count();

    CHECK(check,
          first.caps == second.caps && first.kick_style == second.kick_style &&
              first.granule == second.granule && first.max_vms == second.max_vms,
          "a second probe finds something else");
    CHECK(check, before.fds == after.fds && before.mappings == after.mappings,
          "probe leaves something behind: %u fds and %u mappings, then %u and %u", before.fds,
          before.mappings, after.fds, after.mappings);
    CHECK(check, first.kick_style >= SCONCE_KICK_FLAG && first.kick_style <= SCONCE_KICK_NATIVE,
          "%u is no kick style", first.kick_style);
    fits = first.granule > 0 && first.granule <= SCONCE_MEM_GRANULE &&
           (first.granule & (first.granule - 1)) == 0;
    CHECK(check, fits, "%u is no granule: a power of two, at most %u", first.granule,
          SCONCE_MEM_GRANULE);
    CHECK(check, !check_text_problem(first.description, sizeof first.description),
          "of the description, %s",
          check_text_problem(first.description, sizeof first.description));
    return check_note(check, "%s", first.description);
}

/* Told where the machine cannot run the backend: the refusal itself is held to the contract. */
static enum check_outcome check_probe_refusal(struct check *check)
{
    struct sconce_probe probe = {.size = sizeof probe};
    struct check_plugin plugin;
    int32_t status;

    if (check->setup->usable)
        return check_skip(check, "it can be used here");
    CHECK_STEP(check_plugin_load(check, &plugin));
    CHECK_STEP(check_plugin_configure(check, &plugin));
    status = plugin.ops->probe(&probe, check_err(&plugin));
    CHECK_STEP(check_refused(check, &plugin, status, "this machine"));
    CHECK(check, plugin.err.hint[0] != '\0', "it says \"%s\" without a hint at what to do",
          plugin.err.text);
    return check_note(check, "%s", plugin.err.text);
}

const struct check_row check_load_rows[] = {
    {"load.alone", "it loads without any symbol of ours and its entry answers", 0, check_alone},
    {"load.descriptor", "descriptor and note say the same", 0, check_descriptor},
    {"load.ops", "every required op is there", 0, check_ops},
    {"load.settings", "its settings have keys and help", 0, check_settings},
    {"load.extensions", "the extensions are filled in, unknown ones are not offered", 0,
     check_extensions},
    {"load.describe", "fault descriptions stay within their buffer", 0, check_describe},
    {"configure.unknown", "a setting that it does not have is refused by name", 0,
     check_unknown_setting},
    {"configure.defaults", "its default values can be set", 0, check_defaults},
    {"probe.refusal", "an unusable machine is refused with a reason and a hint", 0,
     check_probe_refusal},
    {"probe.again", "probe finds the same again and leaves nothing behind", CHECK_NEEDS_PROBE,
     check_probe},
    {NULL, NULL, 0, NULL},
};
