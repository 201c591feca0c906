/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this machine run guests in processes, and with which walls: found out by running a tiny one,
 * since nothing less tells what a container's filter, a security module or the kernel's
 * configuration will refuse. Done once and kept; nothing stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/lock.h"
#include "common/memfd.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/backend.h"
#include "plugins/shared/process/no-cancel.h"
#include "plugins/shared/process/steps.h"
#include "plugins/shared/process/zygote-host.h"
#include "sconce-ext-lifecycle.h"
#include "sconce-guest-abi.h"

#define PAGE 4096u

static const struct sconce_process_backend *const backend = &sconce_process_backend;

static struct {
    struct sconce_lock lock;
    bool known;
    uint32_t layers; /* SCONCE_LAYER_* */
} shared;            /* and what the backend has learnt is under the same lock */

const struct sconce_plugin_setting sconce_process_settings[SCONCE_PROCESS_SETTINGS] = {
    {"namespaces", "yes", "put guests into namespaces of their own where the system lets them"},
};

int32_t sconce_process_configure(const char *key, const char *value,
                                 struct sconce_plugin_error *err)
{
    bool yes = strcmp(value, "yes") == 0;

    if (strcmp(key, "namespaces") != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "the only setting is namespaces", "there is no setting %s", key);
    if (!yes && strcmp(value, "no") != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0,
                                  "write namespaces = yes or namespaces = no",
                                  "namespaces is neither yes nor no: %s", value);
    sconce_lock_take(&shared.lock);
    if (sconce_zygote_allow_namespaces(yes))
        shared.known = false; /* which walls there are is told anew */
    sconce_lock_give(&shared.lock);
    return SCONCE_PLUGIN_OK;
}

/* ---- The trial ----------------------------------------------------------------------------- */

#define TRIAL_GPA SCONCE_GPA_MIN

/* A doorbell, then a system call: the two exits that depend on the kernel. */
static int32_t run_trial(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    static const uint32_t expected[] = {SCONCE_EXIT_DOORBELL, SCONCE_EXIT_SYSCALL};
    const struct sconce_entry entry = {.size = sizeof entry, .pc = TRIAL_GPA};
    int32_t r = sconce_process_vcpu_enter(vm, &entry, err);

    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < sizeof expected / sizeof expected[0]; i++) {
        struct sconce_exit exit = {.size = sizeof exit};

        r = sconce_process_vcpu_run(vm, &exit, err);
        if (r == SCONCE_PLUGIN_OK && exit.kind != expected[i])
            r = sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN,
                                   exit.kind, NULL,
                                   "a trial guest stopped in an unexpected way (exit %u, not %u)",
                                   exit.kind, expected[i]);
    }
    return r;
}

static void cleanup_vm(struct sconce_plugin_vm *const *vm)
{
    sconce_process_vm_destroy(*vm);
}

static int32_t try_guest(struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_vm) struct sconce_plugin_vm *vm = NULL;
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = sconce_memfd("sconce-trial");
    struct sconce_memory memory = {
        .size = sizeof memory,
        .role = SCONCE_MEM_IMAGE,
        .bytes = SCONCE_MEM_GRANULE,
        .handle_kind = SCONCE_HANDLE_LINUX_FD,
        .handle = (uint64_t)fd,
    };
    const struct sconce_mapping mapping = {
        .size = sizeof mapping,
        .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC,
        .gpa = TRIAL_GPA,
        .bytes = SCONCE_MEM_GRANULE,
    };
    const struct sconce_vm_config config = {
        .size = sizeof config,
        .gpa_min = SCONCE_GPA_MIN,
        .gpa_max = SCONCE_GPA_MAX,
        .reserved_bytes = SCONCE_GPA_RESERVED,
    };
    int32_t r;

    if (fd < 0 || ftruncate(fd, SCONCE_MEM_GRANULE))
        return sconce_step_fail(err, SCONCE_STEP_MEMFD, errno);
    memory.host_addr = mmap(NULL, SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory.host_addr == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot allocate memory for a trial guest");
    memcpy(memory.host_addr, backend->trial_code, backend->trial_bytes);
    r = sconce_process_vm_make(&config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_process_mem_map(vm, &memory, &mapping, err);
    if (r == SCONCE_PLUGIN_OK)
        r = run_trial(vm, err);
    munmap(memory.host_addr, SCONCE_MEM_GRANULE);
    return r == SCONCE_PLUGIN_OK ? backend->learn(vm, err) : r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

/* The zygote of the trial does not outlive it, unless guests need it already. */
static int32_t discover(struct sconce_plugin_error *err)
{
    struct sconce_zygote *zygote;
    int32_t r = backend->suits ? backend->suits(err) : SCONCE_PLUGIN_OK;

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (!sconce_child_notifications_fit())
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "a newer version of this backend is needed",
                                  "this kernel's seccomp notifications are of another size");
    r = sconce_zygote_get(&zygote, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    shared.layers = sconce_zygote_layers(zygote);
    r = try_guest(err);
    sconce_zygote_put(zygote);
    sconce_zygote_release();
    return r;
}

/* With the lock. */
static int32_t get_known(struct sconce_plugin_error *err)
{
    int32_t r = shared.known ? SCONCE_PLUGIN_OK : discover(err);

    if (r == SCONCE_PLUGIN_OK)
        shared.known = true;
    return r;
}

int32_t sconce_process_get_ready(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    SCONCE_NOT_CANCELLED;
    int32_t r;

    sconce_lock_take(&shared.lock);
    r = get_known(err);
    if (r == SCONCE_PLUGIN_OK && vm)
        backend->equip(vm);
    sconce_lock_give(&shared.lock);
    return r;
}

/* With the lock, and known. */
static void describe(char *ret_text, size_t room)
{
    char own[48];

    backend->describe(own, sizeof own);
    snprintf(ret_text, room, "seccomp%s%s%s, %s",
             shared.layers & SCONCE_LAYER_LANDLOCK ? ", Landlock" : "",
             shared.layers & SCONCE_LAYER_USER_NS ? ", namespaces" : "",
             sconce_child_wakes_in_sync() ? ", synchronous" : "", own);
}

int32_t sconce_process_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    SCONCE_NOT_CANCELLED;
    struct sconce_probe probe = {0};
    int32_t r;

    if (!SCONCE_HAS(sconce_probe, ret_probe, description))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot probe: no room for what is found");
    sconce_lock_take(&shared.lock);
    r = get_known(err);
    if (r == SCONCE_PLUGIN_OK)
        describe(probe.description, sizeof probe.description);
    sconce_lock_give(&shared.lock);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    probe.kick_style = SCONCE_KICK_RESIGNAL;
    probe.caps = SCONCE_CAP_EXEC_ENFORCED | SCONCE_CAP_LAZY_MEMORY | SCONCE_CAP_SYSCALL_EXITS;
    probe.granule = PAGE;
    sconce_plugin_copy_out(ret_probe, &probe, sizeof probe);
    return SCONCE_PLUGIN_OK;
}

static const struct sconce_ext_lifecycle lifecycle = {
    .size = sizeof lifecycle,
    .release = sconce_zygote_release,
};

const void *sconce_process_get_extension(const char *id)
{
    return strcmp(id, SCONCE_EXT_LIFECYCLE) == 0 ? &lifecycle : NULL;
}
