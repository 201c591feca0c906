/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-negotiate.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "core/plugin-ops.h"

/* What version 1.0 cannot do without: everything up to the operations. */
#define PLUGIN_MIN_BYTES offsetof(struct sconce_plugin, get_extension)

#define DESCRIPTOR_TEXT_MAX 128u

static int check_head(const struct sconce_plugin *from, struct sconce_error *err)
{
    if (from->magic != SCONCE_PLUGIN_MAGIC)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its magic number is 0x%08x, not 0x%08x: it was built for another "
                           "program",
                           from->magic, SCONCE_PLUGIN_MAGIC);
    if (from->size < PLUGIN_MIN_BYTES || from->size % sizeof(void *) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its descriptor says that it has %u bytes, where %zu are the least",
                           from->size, PLUGIN_MIN_BYTES);
    return 0;
}

/* Minors only append, so an older plugin always fits, and a newer one fits when it says that it can
 * do without what it does not find here. */
static int check_version(const struct sconce_plugin *plugin,
                         const struct sconce_plugin_facts *facts, struct sconce_error *err)
{
    if (plugin->abi_major != SCONCE_PLUGIN_ABI_MAJOR)
        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND,
                                "install the backend and Sconce from the same release",
                                "it speaks plugin ABI %u.%u, and this Sconce only %u.x",
                                plugin->abi_major, plugin->abi_minor, SCONCE_PLUGIN_ABI_MAJOR);
    if (plugin->min_host_minor > SCONCE_PLUGIN_ABI_MINOR)
        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, "install a newer Sconce",
                                "it needs plugin ABI %u.%u or later, and this Sconce has %u.%u",
                                plugin->abi_major, plugin->min_host_minor, SCONCE_PLUGIN_ABI_MAJOR,
                                SCONCE_PLUGIN_ABI_MINOR);
    if (plugin->abi_major != facts->abi_major || plugin->abi_minor != facts->abi_minor)
        return sconce_fail(
            err, SCONCE_E_NO_BACKEND, "its descriptor says plugin ABI %u.%u, its note %u.%u",
            plugin->abi_major, plugin->abi_minor, facts->abi_major, facts->abi_minor);
    return 0;
}

static int check_rest(const struct sconce_plugin *plugin, struct sconce_error *err)
{
    if (plugin->reserved0 != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "a reserved field of its descriptor is not 0");
    if (plugin->thread_model != SCONCE_THREADS_ONE && plugin->thread_model != SCONCE_THREADS_PER_VM)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "it asks for thread model %u, which this Sconce does not know",
                           plugin->thread_model);
    if (!plugin->ops)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its descriptor has no operations");
    return 0;
}

/* One text of the descriptor, which must be what the note says when that says anything. */
static int take_text(const char *what, const char *text, const char *in_note, char **ret,
                     struct sconce_error *err)
{
    if (!text)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its descriptor has no %s", what);
    if (strnlen(text, DESCRIPTOR_TEXT_MAX) == DESCRIPTOR_TEXT_MAX)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its descriptor's %s is longer than %u bytes",
                           what, DESCRIPTOR_TEXT_MAX - 1);
    if (strcmp(text, in_note) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its descriptor says %s \"%s\", its note \"%s\"", what, text, in_note);
    *ret = strdup(text);
    return *ret ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

static int take_texts(const struct sconce_plugin *plugin, const struct sconce_plugin_facts *facts,
                      struct sconce_backend *backend, struct sconce_error *err)
{
    const struct {
        const char *what, *text, *in_note;
        char **to;
    } texts[] = {
        {"name", plugin->name, facts->name, &backend->name},
        {"version", plugin->version, facts->version, &backend->version},
        {"architecture", plugin->arch, facts->arch, &backend->arch_name},
        {"mechanism", plugin->mechanism, facts->mechanism, &backend->mechanism},
        {"isolation", plugin->isolation, facts->isolation, &backend->isolation},
        {"status", facts->status, facts->status, &backend->status},
        {"requirement", facts->requires_, facts->requires_, &backend->requires_},
    };
    size_t i;
    int r = 0;

    for (i = 0; i < sizeof texts / sizeof texts[0] && r == 0; i++)
        r = take_text(texts[i].what, texts[i].text, texts[i].in_note, texts[i].to, err);
    return r;
}

/* ---- Extensions ------------------------------------------------------------------------------ */

/* @bytes of @to, from the extension called @id; zero when the plugin has none. @least is how much a
 * plugin that has it must have. */
static int take_extension(const struct sconce_plugin *plugin, const char *id, void *to,
                          uint32_t bytes, size_t least, struct sconce_error *err)
{
    const void *from = plugin->get_extension ? plugin->get_extension(id) : NULL;
    uint32_t size;

    memset(to, 0, bytes);
    if (!from)
        return 0;
    memcpy(&size, from, sizeof size);
    if (size < least || size % sizeof(void *) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its %s says that it has %u bytes", id, size);
    sconce_plugin_copy_sized(to, from, bytes);
    memcpy(to, &bytes, sizeof bytes);
    return 0;
}

#define TAKE(plugin, id, to, last, err)                                                            \
    take_extension(plugin, id, to, (uint32_t)sizeof *(to),                                         \
                   offsetof(__typeof__(*(to)), last) + sizeof((to)->last), err)

static int missing(const char *id, const char *what, struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_BACKEND, "its %s lacks %s", id, what);
}

static bool is_register(const struct sconce_ext_fault *fault, uint32_t at)
{
    return at % sizeof(uint64_t) == 0 && at < fault->regs_bytes;
}

/* The core writes into the file where these numbers say. */
static int check_fault(const struct sconce_backend *backend, struct sconce_error *err)
{
    const struct sconce_ext_fault *fault = &backend->fault;

    if (!fault->size)
        return 0;
    if (fault->reserved0 != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "a reserved field of its %s is not 0",
                           SCONCE_EXT_FAULT);
    if (!fault->resume)
        return missing(SCONCE_EXT_FAULT, "resume", err);
    if (!backend->regs.size)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its %s comes without %s", SCONCE_EXT_FAULT,
                           SCONCE_EXT_REGS);
    if (fault->regs_bytes > SCONCE_FAULT_REGS_MOST || fault->regs_bytes % sizeof(uint64_t) ||
        !is_register(fault, fault->pc_at) || !is_register(fault, fault->sp_at) ||
        !is_register(fault, fault->argument_at) || !is_register(fault, fault->flags_at) ||
        fault->stack_skew % sizeof(uint64_t) || fault->stack_skew >= 16)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its %s has registers outside their file of %u bytes", SCONCE_EXT_FAULT,
                           fault->regs_bytes);
    return 0;
}

static int check_dirty(const struct sconce_ext_dirty *dirty, struct sconce_error *err)
{
    if (!dirty->size)
        return 0;
    if (dirty->reserved0 != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "a reserved field of its %s is not 0",
                           SCONCE_EXT_DIRTY);
    if (!dirty->begin || !dirty->collect)
        return missing(SCONCE_EXT_DIRTY, dirty->begin ? "collect" : "begin", err);
    return 0;
}

static int take_extensions(const struct sconce_plugin *plugin, struct sconce_backend *backend,
                           struct sconce_ext_lifecycle *lifecycle, struct sconce_error *err)
{
    struct sconce_ext_arch *arch = &backend->arch;
    struct sconce_ext_regs *regs = &backend->regs;
    int r = TAKE(plugin, SCONCE_EXT_ARCH, arch, describe_fault, err);

    if (r == 0)
        r = TAKE(plugin, SCONCE_EXT_REGS, regs, set, err);
    if (r == 0)
        r = TAKE(plugin, SCONCE_EXT_FAULT, &backend->fault, resume, err);
    if (r == 0)
        r = TAKE(plugin, SCONCE_EXT_DIRTY, &backend->dirty, collect, err);
    if (r == 0)
        r = TAKE(plugin, SCONCE_EXT_LIFECYCLE, lifecycle, release, err);
    if (r < 0)
        return r;
    if (arch->size && (arch->page_bytes == 0 || arch->page_bytes > SCONCE_MEM_GRANULE ||
                       (arch->page_bytes & (arch->page_bytes - 1)) != 0))
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "its %s says that pages have %u bytes",
                           SCONCE_EXT_ARCH, arch->page_bytes);
    if (arch->size && !arch->name)
        return missing(SCONCE_EXT_ARCH, "a name", err);
    if (arch->size && !arch->syscall_name)
        return missing(SCONCE_EXT_ARCH, "syscall_name", err);
    if (arch->size && !arch->describe_fault)
        return missing(SCONCE_EXT_ARCH, "describe_fault", err);
    if (arch->size && backend->machine && arch->elf_machine != backend->machine)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its %s is for ELF machine %u, its note says %u", SCONCE_EXT_ARCH,
                           arch->elf_machine, backend->machine);
    if (regs->size && regs->reserved0 != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "a reserved field of its %s is not 0",
                           SCONCE_EXT_REGS);
    if (regs->size && (!regs->get || !regs->set))
        return missing(SCONCE_EXT_REGS, regs->get ? "set" : "get", err);
    if (lifecycle->size && lifecycle->reserved0 != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "a reserved field of its %s is not 0",
                           SCONCE_EXT_LIFECYCLE);
    if (lifecycle->size && !lifecycle->release)
        return missing(SCONCE_EXT_LIFECYCLE, "release", err);
    r = check_dirty(&backend->dirty, err);
    return r < 0 ? r : check_fault(backend, err);
}

int sconce_plugin_negotiate(const struct sconce_plugin *from,
                            const struct sconce_plugin_facts *facts,
                            struct sconce_backend *ret_backend,
                            struct sconce_ext_lifecycle *ret_lifecycle, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_plugin_negotiate_clear) struct sconce_backend backend = {0};
    struct sconce_plugin plugin = {0};
    int r = check_head(from, err);

    if (r < 0)
        return r;
    /* Later minors' members stay behind; what an earlier one lacks is zero. */
    memcpy(&plugin, from, from->size < sizeof plugin ? from->size : sizeof plugin);
    backend.machine = facts->machine;
    backend.thread_model = plugin.thread_model;
    r = check_version(&plugin, facts, err);
    if (r == 0)
        r = check_rest(&plugin, err);
    if (r == 0)
        r = take_texts(&plugin, facts, &backend, err);
    if (r == 0)
        r = sconce_plugin_ops_copy(plugin.ops, &backend.ops, err);
    if (r == 0)
        r = take_extensions(&plugin, &backend, ret_lifecycle, err);
    if (r < 0)
        return r;
    *ret_backend = backend;
    backend = (struct sconce_backend){0};
    return 0;
}

void sconce_plugin_negotiate_clear(struct sconce_backend *backend)
{
    free(backend->name);
    free(backend->version);
    free(backend->arch_name);
    free(backend->mechanism);
    free(backend->isolation);
    free(backend->status);
    free(backend->requires_);
    free(backend->path);
    sconce_plugin_ops_clear(&backend->ops);
    *backend = (struct sconce_backend){0};
}
