/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intersection: guests of riscv64, "run" by a script. A guest's ELF file is loaded, relocated
 * and mapped as on any backend; what it does then is read from the script. Everything that a real
 * backend must keep of the contract is kept here; plugin-minimal explains it op by op.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sconce-ext-arch.h>
#include <sconce-guest-abi.h>
#include <sconce-plugin.h>

#include "riscv64.h"
#include "script.h"

#define MAX_MAPPINGS 64u
#define INVALID SCONCE_PLUGIN_E_INVALID

/* FRESH: vcpu_enter comes next; TRAPPED: vcpu_complete does; STOPPED: vcpu_reset does. */
enum state { FRESH, ENTERED, TRAPPED, STOPPED };

struct mapped {
    struct sconce_mapping at;
    uint8_t *host;
};

struct sconce_plugin_vm {
    struct sconce_vm_config config;
    struct mapped mapped[MAX_MAPPINGS];
    uint32_t mapped_count;
    enum state state;
    bool was_entered;
    struct sconce_entry entry;
    struct script script; /* as it was when the VM was made */
    uint32_t at;          /* the step that comes next */
    atomic_bool kicked;
};

static int32_t fail(struct sconce_plugin_error *err, int32_t status, const char *hint,
                    const char *format, ...)
{
    va_list args;

    if (err && SCONCE_HAS(sconce_plugin_error, err, hint)) {
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        snprintf(err->hint, sizeof err->hint, "%s", hint);
    }
    return status;
}

/* The core's struct into one of ours: it may have less than this header, or more. */
static void take(void *to, uint32_t bytes, const void *from)
{
    uint32_t given;

    memcpy(&given, from, sizeof given);
    memset(to, 0, bytes);
    memcpy(to, from, given < bytes ? given : bytes);
}

/* ---- The setting ------------------------------------------------------------------------- */

/* configure and vm_create may come from any threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct script current; /* without a step: the built-in one */

static int32_t read_file(const char *path, struct script *ret_script,
                         struct sconce_plugin_error *err)
{
    const char *problem;
    uint32_t line;
    FILE *file;

    if (path[0] != '/')
        return fail(err, INVALID, "give its absolute path",
                    "the script %s would depend on the current directory", path);
    file = fopen(path, "re");
    if (!file)
        return fail(err, INVALID, "", "cannot open the script %s: %s", path, strerror(errno));
    problem = script_read(file, ret_script, &line);
    fclose(file);
    return problem ? fail(err, INVALID, "", "%s:%u: %s", path, line, problem) : SCONCE_PLUGIN_OK;
}

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    struct script script = {.count = 0};
    int32_t status = SCONCE_PLUGIN_OK;

    if (strcmp(key, "script") != 0)
        return fail(err, INVALID, "", "there is no setting %s", key);
    if (value[0] != '\0')
        status = read_file(value, &script, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    pthread_mutex_lock(&lock);
    current = script;
    pthread_mutex_unlock(&lock);
    return SCONCE_PLUGIN_OK;
}

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    if (!SCONCE_HAS(sconce_probe, ret_probe, description))
        return fail(err, INVALID, "", "probe without a whole sconce_probe");
    ret_probe->kick_style = SCONCE_KICK_FLAG;
    ret_probe->caps = SCONCE_CAP_SCRIPTED | SCONCE_CAP_SYSCALL_EXITS;
    ret_probe->max_vms = 0;
    ret_probe->granule = 4096;
    snprintf(ret_probe->description, sizeof ret_probe->description, "plays traps of riscv64");
    return SCONCE_PLUGIN_OK;
}

/* ---- A VM and its memory ----------------------------------------------------------------- */

static int32_t vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                         struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm;

    if (!SCONCE_HAS(sconce_vm_config, config, reserved_bytes))
        return fail(err, INVALID, "", "vm_create without a whole sconce_vm_config");
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "", "no memory for a VM");
    take(&vm->config, sizeof vm->config, config);
    pthread_mutex_lock(&lock);
    vm->script = current.count > 0 ? current : script_builtin;
    pthread_mutex_unlock(&lock);
    *ret_vm = vm;
    return SCONCE_PLUGIN_OK;
}

static void vm_destroy(struct sconce_plugin_vm *vm)
{
    free(vm);
}

/* Does [at, at + bytes) lie in [0, total)? Without wrapping around. */
static bool within(uint64_t at, uint64_t bytes, uint64_t total)
{
    return at <= total && bytes <= total - at;
}

static const char *check_mapping(const struct sconce_plugin_vm *vm,
                                 const struct sconce_memory *memory, const struct sconce_mapping *m)
{
    const uint32_t write_exec = SCONCE_PROT_WRITE | SCONCE_PROT_EXEC;

    if (!SCONCE_HAS(sconce_memory, memory, reserved0) ||
        !SCONCE_HAS(sconce_mapping, m, object_offset) || memory->reserved0 != 0)
        return "a struct is too small, or a reserved field is not zero";
    if (m->bytes == 0 || (m->gpa | m->bytes | m->object_offset) % SCONCE_MEM_GRANULE != 0)
        return "it is not made of whole granules";
    if (m->prot == 0 || m->prot > 7 || (m->prot & write_exec) == write_exec)
        return "memory is read, and written or executed, never both";
    if (m->gpa < vm->config.gpa_min || !within(m->gpa, m->bytes, vm->config.gpa_max))
        return "it leaves the guest's range";
    if (!within(m->object_offset, m->bytes, memory->bytes))
        return "it leaves its memory object";
    for (uint32_t i = 0; i < vm->mapped_count; i++) {
        const struct sconce_mapping *other = &vm->mapped[i].at;

        if (m->gpa < other->gpa + other->bytes && other->gpa < m->gpa + m->bytes)
            return "it overlaps another one";
    }
    if (vm->was_entered)
        return "the guest was entered, and dynamic_map is not among the capabilities";
    return vm->mapped_count == MAX_MAPPINGS ? "there are too many" : NULL;
}

/* No mem_sync_code beside it: nothing is executed. A hart would want FENCE.I. */
static int32_t mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    const char *problem = check_mapping(vm, memory, mapping);
    struct mapped *mapped;

    if (problem)
        return fail(err, INVALID, "", "cannot map %#llx: %s", (unsigned long long)mapping->gpa,
                    problem);
    mapped = &vm->mapped[vm->mapped_count++];
    take(&mapped->at, sizeof mapped->at, mapping);
    mapped->host = (uint8_t *)memory->host_addr + mapping->object_offset;
    return SCONCE_PLUGIN_OK;
}

/* The host's view of @bytes bytes of guest memory at @gpa, or NULL. */
static uint8_t *host_view(const struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes)
{
    for (uint32_t i = 0; i < vm->mapped_count; i++) {
        const struct mapped *m = &vm->mapped[i];

        if (gpa >= m->at.gpa && within(gpa - m->at.gpa, bytes, m->at.bytes))
            return m->host + (gpa - m->at.gpa);
    }
    return NULL;
}

/* ---- The vCPU ---------------------------------------------------------------------------- */

static int32_t vcpu_reset(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    (void)err;
    atomic_store(&vm->kicked, false);
    vm->state = FRESH;
    return SCONCE_PLUGIN_OK;
}

static int32_t vcpu_enter(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                          struct sconce_plugin_error *err)
{
    if (!SCONCE_HAS(sconce_entry, entry, args) || entry->reserved0 != 0)
        return fail(err, INVALID, "", "vcpu_enter without a right sconce_entry");
    if (vm->state != FRESH)
        return fail(err, INVALID, "", "vcpu_enter without vcpu_reset");
    if (!riscv64_is_pc(entry->pc) || !riscv64_is_address(entry->tls))
        return fail(err, INVALID, "", "PC or TLS is no address of a guest's");
    take(&vm->entry, sizeof vm->entry, entry); /* PC, SP, TP, and A0 and A1 */
    vm->was_entered = true;
    vm->state = ENTERED;
    return SCONCE_PLUGIN_OK;
}

/* What the guest's code would do before its doorbell: put a frame into OUT. */
static bool write_frame(const struct sconce_plugin_vm *vm, const struct script_step *step)
{
    struct {
        struct sconce_frame head;
        struct sconce_slot slot;
        char text[SCRIPT_TEXT_BYTES];
    } frame = {.head = {.kind = SCONCE_FRAME_READY,
                        .used_bytes = sizeof frame,
                        .resume_pc = vm->entry.pc,
                        .resume_sp = vm->entry.sp,
                        .resume_tls = vm->entry.tls}};
    const uint8_t *page = host_view(vm, vm->entry.args[0], sizeof(struct sconce_boot));
    struct sconce_boot boot;
    uint8_t *out;

    if (!page)
        return false;
    memcpy(&boot, page, sizeof boot);
    out = host_view(vm, boot.out_addr, sizeof frame);
    if (!out)
        return false;
    if (step->verb == SCRIPT_RETURN) {
        frame.head.kind = SCONCE_FRAME_RETURN;
        frame.head.slot_count = 1;
        frame.slot = (struct sconce_slot){.type = step->type, .value = step->numbers[0]};
    }
    if (step->type == SCONCE_TYPE_STRING) {
        frame.slot.length = (uint32_t)strlen(step->text);
        frame.slot.value = sizeof frame.head + sizeof frame.slot;
        memcpy(frame.text, step->text, sizeof frame.text);
    }
    memcpy(out, &frame, sizeof frame);
    return true;
}

static int32_t play(struct sconce_plugin_vm *vm, const struct script_step *step,
                    struct sconce_exit *ret_exit, struct sconce_plugin_error *err)
{
    switch (step->verb) {
    case SCRIPT_READY:
    case SCRIPT_RETURN:
        if (!write_frame(vm, step))
            return fail(err, INVALID, "", "there is no boot page, or no OUT buffer");
        ret_exit->kind = SCONCE_EXIT_DOORBELL;
        ret_exit->u.doorbell.number = SCONCE_DOORBELL_READY;
        break;
    case SCRIPT_ECALL:
        ret_exit->kind = SCONCE_EXIT_SYSCALL;
        ret_exit->u.syscall.raw_nr = step->numbers[0];
        memcpy(ret_exit->u.syscall.args, &step->numbers[1], sizeof ret_exit->u.syscall.args);
        vm->state = TRAPPED;
        break;
    case SCRIPT_TRAP:
        ret_exit->kind = SCONCE_EXIT_FAULT;
        riscv64_fault(step->numbers[0], step->numbers[1], vm->entry.pc, &ret_exit->u.fault);
        vm->state = STOPPED;
        break;
    }
    return SCONCE_PLUGIN_OK;
}

static int32_t vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                        struct sconce_plugin_error *err)
{
    const struct script_step *step = &vm->script.steps[vm->at];

    if (!SCONCE_HAS(sconce_exit, ret_exit, u))
        return fail(err, INVALID, "", "vcpu_run without a whole sconce_exit");
    if (vm->state != ENTERED)
        return fail(err, INVALID, "", "vcpu_run without %s",
                    vm->state == TRAPPED ? "vcpu_complete" : "vcpu_enter");
    memset((uint8_t *)ret_exit + sizeof ret_exit->size, 0, ret_exit->size - sizeof ret_exit->size);
    if (atomic_exchange(&vm->kicked, false)) {
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
        return SCONCE_PLUGIN_OK;
    }
    if (vm->at + 1 < vm->script.count)
        vm->at++; /* the last step is played again and again */
    return play(vm, step, ret_exit, err);
}

static int32_t vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                             struct sconce_plugin_error *err)
{
    (void)result; /* A0 of the guest */
    if (vm->state != TRAPPED)
        return fail(err, INVALID, "", "vcpu_complete without a SYSCALL exit");
    vm->state = ENTERED;
    return SCONCE_PLUGIN_OK;
}

static int32_t vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                            struct sconce_plugin_error *err)
{
    if (!riscv64_is_address(tls))
        return fail(err, INVALID, "", "the TLS base is no address of a guest's");
    vm->entry.tls = tls;
    return SCONCE_PLUGIN_OK;
}

/* In a signal handler. */
static void vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    atomic_store(&vm->kicked, true);
}

/* ---- The descriptor ---------------------------------------------------------------------- */

static const void *get_extension(const char *id)
{
    return strcmp(id, SCONCE_EXT_ARCH) == 0 ? &riscv64_arch : NULL;
}

static const struct sconce_plugin_setting settings[] = {
    {"script", "", "Absolute path of the traps to play; empty: every call is answered with 42"},
};

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
    .setting_count = sizeof settings / sizeof settings[0],
    .settings = settings,
    .configure = configure,
    .probe = probe,
    .vm_create = vm_create,
    .vm_destroy = vm_destroy,
    .mem_map = mem_map,
    .vcpu_reset = vcpu_reset,
    .vcpu_enter = vcpu_enter,
    .vcpu_run = vcpu_run,
    .vcpu_complete = vcpu_complete,
    .vcpu_set_tls = vcpu_set_tls,
    .vcpu_kick_local = vcpu_kick_local,
};

/* 243 is EM_RISCV. */
SCONCE_PLUGIN_DEFINE("stub-riscv64", "1.0", "riscv64", 243, "stub", "none", "double", "",
                     SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
