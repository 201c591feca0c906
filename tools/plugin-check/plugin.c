/* SPDX-License-Identifier: Apache-2.0 */
/* The core's side of the contract in its smallest form: what a plugin's author can test against. */
#include "tools/plugin-check/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sconce-guest-abi.h"
#include "tools/plugin-check/arch.h"

#define VM_BYTES (CHECK_VM_OBJECTS * (size_t)SCONCE_MEM_GRANULE)

/* ---- the host ---- */

static void host_log(void *ctx, uint32_t level, const char *key, const char *text)
{
    (void)ctx;
    (void)level;
    (void)key;
    (void)text;
}

static const void *host_service(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return NULL;
}

static const struct sconce_plugin_host host = {
    .size = sizeof host,
    .abi_major = SCONCE_PLUGIN_ABI_MAJOR,
    .abi_minor = SCONCE_PLUGIN_ABI_MINOR,
    .log = host_log,
    .get_service = host_service,
};

struct sconce_plugin_error *check_err(struct check_plugin *plugin)
{
    memset(&plugin->err, 0, sizeof plugin->err);
    plugin->err.size = sizeof plugin->err;
    return &plugin->err;
}

enum check_outcome check_plugin_load(struct check *check, struct check_plugin *plugin)
{
    const char *path = check->setup->path;
    sconce_plugin_entry_fn entry;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    CHECK(check, handle, "cannot load %s: %s", path, dlerror());
    /* ISO C has no conversion from an object's address to a function's; POSIX promises this one. */
    *(void **)&entry = dlsym(handle, SCONCE_PLUGIN_ENTRY_SYMBOL);
    CHECK(check, entry, "%s does not export " SCONCE_PLUGIN_ENTRY_SYMBOL, path);
    plugin->descriptor = entry(&host, check_err(plugin));
    CHECK(check, plugin->descriptor, "the entry refuses this host: %s", plugin->err.text);
    CHECK(check, plugin->descriptor->magic == SCONCE_PLUGIN_MAGIC,
          "the descriptor's magic is 0x%x, not 0x%x", plugin->descriptor->magic,
          SCONCE_PLUGIN_MAGIC);
    /* Whatever the minor, what 1.0 has is there: nothing else looks at these sizes again. */
    CHECK(check, SCONCE_HAS(sconce_plugin, plugin->descriptor, reserved0),
          "the descriptor has only %u bytes", plugin->descriptor->size);
    plugin->ops = plugin->descriptor->ops;
    CHECK(check, plugin->ops, "the descriptor has no ops");
    CHECK(check, SCONCE_HAS(sconce_plugin_ops, plugin->ops, vcpu_kick_local),
          "the ops have only %u bytes", plugin->ops->size);
    return CHECK_OK;
}

struct configuring {
    struct check *check;
    struct check_plugin *plugin;
    char prefix[64]; /* "backend.NAME." */
    enum check_outcome outcome;
};

static int configure_one(void *ctx, const char *key, const char *value, const char *origin,
                         const char *help)
{
    struct configuring *to = ctx;
    size_t bytes = strlen(to->prefix);
    const struct sconce_plugin_ops *ops = to->plugin->ops;
    int32_t status;

    (void)origin;
    (void)help;
    if (strncmp(key, to->prefix, bytes) != 0)
        return 0;
    status = ops->configure ? ops->configure(key + bytes, value, check_err(to->plugin))
                            : SCONCE_PLUGIN_E_NOT_SUPPORTED;
    to->outcome = status == SCONCE_PLUGIN_OK
                      ? CHECK_OK
                      : check_fail(to->check, "%s = %s: %s", key, value, to->plugin->err.text);
    return to->outcome != CHECK_OK;
}

enum check_outcome check_plugin_configure(struct check *check, struct check_plugin *plugin)
{
    struct configuring to = {.check = check, .plugin = plugin, .outcome = CHECK_OK};

    snprintf(to.prefix, sizeof to.prefix, "backend.%s.", plugin->descriptor->name);
    sconce_config_each(check->setup->config, configure_one, &to);
    return to.outcome;
}

enum check_outcome check_plugin_open(struct check *check, struct check_plugin *plugin)
{
    struct sconce_probe probe = {.size = sizeof probe};

    CHECK_STEP(check_plugin_load(check, plugin));
    CHECK_STEP(check_plugin_configure(check, plugin));
    return check_done(check, plugin, plugin->ops->probe(&probe, check_err(plugin)), "probe");
}

enum check_outcome check_refused(struct check *check, struct check_plugin *plugin, int32_t status,
                                 const char *what)
{
    const char *problem = check_text_problem(plugin->err.text, sizeof plugin->err.text);

    CHECK(check, status != SCONCE_PLUGIN_OK, "%s was accepted", what);
    CHECK(check, status < 0 && status >= SCONCE_PLUGIN_E_DEAD, "%s gave %d, which is no status",
          what, status);
    CHECK(check, !problem, "%s was refused, but %s", what, problem);
    return CHECK_OK;
}

enum check_outcome check_done(struct check *check, struct check_plugin *plugin, int32_t status,
                              const char *what)
{
    CHECK(check, status == SCONCE_PLUGIN_OK, "%s failed (%d): %s", what, status, plugin->err.text);
    return CHECK_OK;
}

/* ---- code ---- */

#define CODE_STRIDE 4096u /* each snippet has a page */

enum check_outcome check_needs_code(struct check *check)
{
    const struct check_arch *arch;

    return check_arch_known(check, &arch);
}

/* Where nothing is known of the architecture, there is nothing: backends of scripts do without. */
static void write_code(const struct check *check, struct check_vm *vm)
{
    const struct check_arch *arch = check_arch_of(check);

    for (size_t i = 0; arch && i < CHECK_CODES; i++)
        memcpy(vm->host + i * CODE_STRIDE, arch->code[i].bytes, arch->code[i].length);
}

struct sconce_entry check_vm_entry(enum check_code code)
{
    return (struct sconce_entry){.size = sizeof(struct sconce_entry),
                                 .pc = CHECK_IMAGE_GPA + code * CODE_STRIDE,
                                 .sp = CHECK_STACK_GPA + SCONCE_MEM_GRANULE,
                                 .args = {CHECK_BOOT_GPA, 0}};
}

/* ---- a VM ---- */

struct sconce_vm_config check_vm_config(void)
{
    return (struct sconce_vm_config){.size = sizeof(struct sconce_vm_config),
                                     .gpa_min = SCONCE_GPA_MIN,
                                     .gpa_max = SCONCE_GPA_MAX,
                                     .reserved_bytes = SCONCE_GPA_RESERVED};
}

struct sconce_memory check_vm_memory(const struct check_vm *vm, uint32_t object, uint32_t role)
{
    uint64_t offset = object * (uint64_t)SCONCE_MEM_GRANULE;

    return (struct sconce_memory){.size = sizeof(struct sconce_memory),
                                  .role = role,
                                  .bytes = SCONCE_MEM_GRANULE,
                                  .host_addr = vm->host + offset,
                                  .handle = (uint64_t)vm->fd,
                                  .offset = offset,
                                  .handle_kind = SCONCE_HANDLE_LINUX_FD};
}

struct sconce_mapping check_vm_mapping(uint64_t gpa, uint32_t prot)
{
    return (struct sconce_mapping){.size = sizeof(struct sconce_mapping),
                                   .prot = prot,
                                   .gpa = gpa,
                                   .bytes = SCONCE_MEM_GRANULE};
}

enum check_outcome check_vm_create(struct check *check, struct check_plugin *plugin,
                                   struct check_vm *vm)
{
    const struct sconce_vm_config config = check_vm_config();
    void *at;

    vm->plugin = plugin;
    vm->ops = plugin->ops;
    vm->fd = memfd_create("sconce-plugin-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(check, vm->fd >= 0 && ftruncate(vm->fd, VM_BYTES) == 0, "no memory: %s", strerror(errno));
    CHECK(check, fcntl(vm->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "cannot seal: %s",
          strerror(errno));
    at = mmap(NULL, VM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, vm->fd, 0);
    CHECK(check, at != MAP_FAILED, "no memory: %s", strerror(errno));
    vm->host = at;
    return check_done(check, plugin, plugin->ops->vm_create(&config, &vm->vm, check_err(plugin)),
                      "vm_create");
}

static void fill_boot(struct check_vm *vm)
{
    struct sconce_boot boot = {.magic = SCONCE_BOOT_MAGIC,
                               .abi = SCONCE_GUEST_ABI_CURRENT,
                               .boot_bytes = sizeof boot,
                               .image_base = CHECK_IMAGE_GPA,
                               .image_end = CHECK_IMAGE_GPA + SCONCE_MEM_GRANULE,
                               .in_addr = CHECK_IN_GPA,
                               .in_bytes = SCONCE_MEM_GRANULE,
                               .out_addr = CHECK_OUT_GPA,
                               .out_bytes = SCONCE_MEM_GRANULE,
                               .stack_top = CHECK_STACK_GPA + SCONCE_MEM_GRANULE,
                               .stack_bytes = SCONCE_MEM_GRANULE};

    memcpy(vm->host + SCONCE_MEM_GRANULE, &boot, sizeof boot);
}

enum check_outcome check_vm_open(struct check *check, struct check_plugin *plugin,
                                 struct check_vm *vm)
{
    static const struct {
        uint64_t gpa;
        uint32_t role, prot;
    } objects[] = {
        {CHECK_IMAGE_GPA, SCONCE_MEM_IMAGE, SCONCE_PROT_READ | SCONCE_PROT_EXEC},
        {CHECK_BOOT_GPA, SCONCE_MEM_BOOT, SCONCE_PROT_READ},
        {CHECK_IN_GPA, SCONCE_MEM_IO, SCONCE_PROT_READ},
        {CHECK_OUT_GPA, SCONCE_MEM_IO, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
        {CHECK_STACK_GPA, SCONCE_MEM_STATE, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
    };
    int32_t status;

    CHECK_STEP(check_vm_create(check, plugin, vm));
    write_code(check, vm);
    fill_boot(vm);
    for (uint32_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        struct sconce_memory memory = check_vm_memory(vm, i, objects[i].role);
        struct sconce_mapping mapping = check_vm_mapping(objects[i].gpa, objects[i].prot);

        CHECK_STEP(check_done(check, plugin,
                              plugin->ops->mem_map(vm->vm, &memory, &mapping, check_err(plugin)),
                              "mem_map"));
    }
    if (!plugin->ops->mem_sync_code)
        return CHECK_OK;
    status =
        plugin->ops->mem_sync_code(vm->vm, CHECK_IMAGE_GPA, SCONCE_MEM_GRANULE, check_err(plugin));
    if (status == SCONCE_PLUGIN_E_NOT_SUPPORTED)
        return CHECK_OK;
    return check_done(check, plugin, status, "mem_sync_code");
}

void check_vm_close(struct check_vm *vm)
{
    if (vm->vm)
        vm->ops->vm_destroy(vm->vm);
    vm->vm = NULL;
    if (vm->host)
        munmap(vm->host, VM_BYTES);
    vm->host = NULL;
    if (vm->fd >= 0)
        close(vm->fd);
    vm->fd = -1;
}

enum check_outcome check_vm_enter(struct check *check, struct check_vm *vm, enum check_code code)
{
    const struct sconce_entry entry = check_vm_entry(code);
    struct check_plugin *plugin = vm->plugin;

    return check_done(check, plugin, plugin->ops->vcpu_enter(vm->vm, &entry, check_err(plugin)),
                      "vcpu_enter");
}

int32_t check_run_op(struct check_vm *vm)
{
    memset(&vm->exit, 0xa5, sizeof vm->exit); /* the plugin zeroes what it does not fill */
    vm->exit.size = sizeof vm->exit;
    return vm->plugin->ops->vcpu_run(vm->vm, &vm->exit, check_err(vm->plugin));
}

enum check_outcome check_vm_run(struct check *check, struct check_vm *vm)
{
    return check_done(check, vm->plugin, check_run_op(vm), "vcpu_run");
}

enum check_outcome check_vm_run_to(struct check *check, struct check_vm *vm, uint32_t kind,
                                   const char *when)
{
    CHECK_STEP(check_vm_run(check, vm));
    CHECK(check, vm->exit.kind == kind, "%s: exit %u, not %u%s%s", when, vm->exit.kind, kind,
          vm->exit.kind == SCONCE_EXIT_FAIL ? ": " : "",
          vm->exit.kind == SCONCE_EXIT_FAIL ? vm->exit.u.fail.text : "");
    return CHECK_OK;
}

enum check_outcome check_vm_reset(struct check *check, struct check_vm *vm)
{
    struct check_plugin *plugin = vm->plugin;

    return check_done(check, plugin, plugin->ops->vcpu_reset(vm->vm, check_err(plugin)),
                      "vcpu_reset");
}

enum check_outcome check_ready_open(struct check *check, struct check_ready *ready)
{
    CHECK_STEP(check_plugin_open(check, &ready->plugin));
    return check_vm_open(check, &ready->plugin, &ready->vm);
}

void check_ready_close(struct check_ready *ready)
{
    check_vm_close(&ready->vm);
}
