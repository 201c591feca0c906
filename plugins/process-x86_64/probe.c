/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this machine run guests in processes, and with which walls: found out by running a tiny one,
 * since nothing less tells what a container's filter, a security module or the kernel's
 * configuration will refuse. Done once and kept; nothing stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "arch/x86_64/control.h"
#include "common/cleanup.h"
#include "common/lock.h"
#include "common/memfd.h"
#include "plugins/process-x86_64/process-x86_64.h"
#include "plugins/shared/plugin-error.h"
#include "plugins/shared/process/no-cancel.h"
#include "plugins/shared/process/steps.h"
#include "plugins/shared/process/zygote-host.h"
#include "sconce-guest-abi.h"

#define PAGE 4096u

/* Documentation/arch/x86/elf_auxvec.rst: RDFSBASE and its kin may be used. */
#define HWCAP2_FSGSBASE (1ul << 1)

static struct {
    struct sconce_lock lock;
    bool known;
    struct process_x86_facts facts;
} shared;

int32_t process_x86_configure(const char *key, const char *value, struct sconce_plugin_error *err)
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

static const uint8_t trial_code[] = {
    0xb0, SCONCE_DOORBELL_READY,       /* mov $1, %al */
    0xe6, SCONCE_DOORBELL_PORT_X86_64, /* out %al, $0x5c */
    0x0f, 0x05,                        /* syscall */
};

/* A doorbell, then a system call: the two exits that depend on the kernel. */
static int32_t run_trial(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    static const uint32_t expected[] = {SCONCE_EXIT_DOORBELL, SCONCE_EXIT_SYSCALL};
    const struct sconce_entry entry = {.size = sizeof entry, .pc = TRIAL_GPA};
    int32_t r = process_x86_vcpu_enter(vm, &entry, err);

    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < sizeof expected / sizeof expected[0]; i++) {
        struct sconce_exit exit = {.size = sizeof exit};

        r = process_x86_vcpu_run(vm, &exit, err);
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
    process_x86_vm_destroy(*vm);
}

static int32_t try_guest(struct process_x86_facts *facts, struct sconce_plugin_error *err)
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
    memcpy(memory.host_addr, trial_code, sizeof trial_code);
    r = process_x86_vm_create_with(facts, &config, &vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = process_x86_mem_map(vm, &memory, &mapping, err);
    if (r == SCONCE_PLUGIN_OK)
        r = run_trial(vm, err);
    munmap(memory.host_addr, SCONCE_MEM_GRANULE);
    if (r == SCONCE_PLUGIN_OK)
        facts->xstate_bytes = vm->shape.xstate_bytes;
    return r;
}

/* ---- Facts --------------------------------------------------------------------------------- */

/* The zygote of the trial does not outlive it, unless guests need it already. */
static int32_t discover(struct process_x86_facts *facts, struct sconce_plugin_error *err)
{
    struct sconce_zygote *zygote;
    int32_t r;

    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "a kernel of version 5.10 or later is needed, and a processor of "
                                  "2013 or later",
                                  "programs cannot set the bases of FS and GS here (FSGSBASE)");
    if (!sconce_child_notifications_fit())
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_NONE, 0,
                                  "a newer version of this backend is needed",
                                  "this kernel's seccomp notifications are of another size");
    r = sconce_zygote_get(&zygote, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    facts->layers = sconce_zygote_layers(zygote);
    r = try_guest(facts, err);
    if (r == SCONCE_PLUGIN_OK)
        r = process_x86_cpuid_read(facts, err);
    sconce_zygote_put(zygote);
    sconce_zygote_release();
    return r;
}

int32_t process_x86_facts(struct process_x86_facts *ret_facts, struct sconce_plugin_error *err)
{
    SCONCE_NOT_CANCELLED;
    struct process_x86_facts fresh = {0};
    int32_t r = SCONCE_PLUGIN_OK;

    sconce_lock_take(&shared.lock);
    if (!shared.known)
        r = discover(&fresh, err);
    if (r == SCONCE_PLUGIN_OK && !shared.known) {
        shared.facts = fresh;
        shared.known = true;
    }
    if (r == SCONCE_PLUGIN_OK)
        *ret_facts = shared.facts;
    sconce_lock_give(&shared.lock);
    return r;
}

static const char *simd_name(uint64_t xcr0)
{
    if (xcr0 & SCONCE_X86_XCR0_AVX512)
        return "AVX-512";
    return xcr0 & SCONCE_X86_XCR0_AVX ? "AVX" : "SSE";
}

int32_t process_x86_probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    struct sconce_probe probe = {.size = sizeof probe};
    struct process_x86_facts facts;
    int32_t r;

    if (ret_probe->size < sizeof probe)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot probe: no room for what is found");
    r = process_x86_facts(&facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    probe.size = ret_probe->size;
    probe.kick_style = SCONCE_KICK_RESIGNAL;
    probe.caps = SCONCE_CAP_EXEC_ENFORCED | SCONCE_CAP_LAZY_MEMORY | SCONCE_CAP_SYSCALL_EXITS;
    probe.granule = PAGE;
    snprintf(probe.description, sizeof probe.description, "seccomp%s%s%s, %s, CPUID unfiltered",
             facts.layers & SCONCE_LAYER_LANDLOCK ? ", Landlock" : "",
             facts.layers & SCONCE_LAYER_USER_NS ? ", namespaces" : "",
             sconce_child_wakes_in_sync() ? ", synchronous" : "", simd_name(facts.xcr0));
    memcpy(ret_probe, &probe, sizeof probe);
    return SCONCE_PLUGIN_OK;
}
