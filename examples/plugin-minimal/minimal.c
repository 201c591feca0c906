/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest Sconce backend that keeps the whole contract. It runs no code: its "guest" becomes
 * READY and answers every call with the i32 42. Each op stands in the order in which the core calls
 * it; where a real backend would talk to its hypervisor there is a comment that says so.
 *
 * sconce-plugin(7) explains the contract; sconce-plugin-check tells whether it is kept.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sconce-ext-arch.h>
#include <sconce-guest-abi.h>
#include <sconce-plugin.h>

#define MAX_MAPPINGS 64u
#define ADDRESS_END (1ull << 47) /* what an unprivileged x86_64 register can hold as an address */

/* vcpu_enter comes after vm_create and vcpu_reset, vcpu_run after vcpu_enter. */
enum state { FRESH, ENTERED };

struct mapped {
    struct sconce_mapping at;
    uint32_t role;
    uint8_t *host;
};

struct sconce_plugin_vm {
    struct sconce_vm_config config;
    struct mapped mapped[MAX_MAPPINGS];
    uint32_t mapped_count;
    enum state state;
    bool was_entered, was_ready;
    struct sconce_entry entry;
    atomic_bool kicked; /* lock-free, so a signal handler may set it */
};

/* Every failure: a status, and a text that says what was tried and why it failed. */
static int32_t fail(struct sconce_plugin_error *err, int32_t status, const char *format, ...)
{
    va_list args;

    if (err && SCONCE_HAS(sconce_plugin_error, err, hint)) {
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

#define INVALID SCONCE_PLUGIN_E_INVALID

/* The core's struct into one of ours: it may have less than this header, or more. */
static void take(void *to, uint32_t bytes, const void *from)
{
    uint32_t given;

    memcpy(&given, from, sizeof given);
    memset(to, 0, bytes);
    memcpy(to, from, given < bytes ? given : bytes);
}

/* Can this machine run the backend? Leave nothing behind; say what is missing and what to do. */
static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    if (!SCONCE_HAS(sconce_probe, ret_probe, description))
        return fail(err, INVALID, "probe without a whole sconce_probe");
    ret_probe->kick_style = SCONCE_KICK_FLAG;
    ret_probe->caps = SCONCE_CAP_SCRIPTED; /* runs no guest code */
    ret_probe->max_vms = 0;
    ret_probe->granule = 4096;
    snprintf(ret_probe->description, sizeof ret_probe->description, "answers 42");
    return SCONCE_PLUGIN_OK;
}

static int32_t vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                         struct sconce_plugin_error *err)
{
    struct sconce_plugin_vm *vm;

    if (!SCONCE_HAS(sconce_vm_config, config, reserved_bytes))
        return fail(err, INVALID, "vm_create without a whole sconce_vm_config");
    vm = calloc(1, sizeof *vm); /* and the hypervisor's VM and vCPU */
    if (!vm)
        return fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for a VM");
    take(&vm->config, sizeof vm->config, config);
    *ret_vm = vm; /* written on success only */
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

static int32_t mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    const char *problem = check_mapping(vm, memory, mapping);
    struct mapped *mapped;

    if (problem)
        return fail(err, INVALID, "cannot map %#llx: %s", (unsigned long long)mapping->gpa,
                    problem);
    /* A memory slot of the hypervisor, and leaves of the guest's page tables. */
    mapped = &vm->mapped[vm->mapped_count++];
    take(&mapped->at, sizeof mapped->at, mapping);
    mapped->role = memory->role;
    mapped->host = (uint8_t *)memory->host_addr + mapping->object_offset;
    return SCONCE_PLUGIN_OK;
}

/* Every register that a guest can write, back to its initial state; a pending kick is dropped. */
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
        return fail(err, INVALID, "vcpu_enter without a right sconce_entry");
    if (vm->state != FRESH)
        return fail(err, INVALID, "vcpu_enter without vcpu_reset");
    if (entry->pc >= ADDRESS_END || entry->tls >= ADDRESS_END) /* a guest may have said so */
        return fail(err, INVALID, "PC or TLS is no address of a guest's");
    take(&vm->entry, sizeof vm->entry, entry); /* PC, SP, the TLS base and two argument registers */
    vm->was_entered = true;
    vm->state = ENTERED;
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

/* What a guest would do: find OUT through the boot page, whose address is its first argument. */
static bool answer(struct sconce_plugin_vm *vm)
{
    const uint8_t *page = host_view(vm, vm->entry.args[0], sizeof(struct sconce_boot));
    const struct sconce_slot result = {SCONCE_TYPE_I32, 0, 42};
    struct sconce_frame frame = {.kind = SCONCE_FRAME_READY,
                                 .used_bytes = sizeof frame + sizeof result,
                                 .resume_pc = vm->entry.pc,
                                 .resume_sp = vm->entry.sp,
                                 .resume_tls = vm->entry.tls};
    struct sconce_boot boot;
    uint8_t *out;

    if (!page)
        return false;
    memcpy(&boot, page, sizeof boot);
    out = host_view(vm, boot.out_addr, frame.used_bytes);
    if (!out)
        return false;
    if (vm->was_ready) {
        frame.kind = SCONCE_FRAME_RETURN;
        frame.slot_count = 1;
    }
    vm->was_ready = true;
    memcpy(out, &frame, sizeof frame);
    memcpy(out + sizeof frame, &result, sizeof result);
    return true;
}

static int32_t vcpu_run(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                        struct sconce_plugin_error *err)
{
    if (!SCONCE_HAS(sconce_exit, ret_exit, u))
        return fail(err, INVALID, "vcpu_run without a whole sconce_exit");
    if (vm->state != ENTERED)
        return fail(err, INVALID, "vcpu_run without vcpu_enter");
    memset((uint8_t *)ret_exit + sizeof ret_exit->size, 0, ret_exit->size - sizeof ret_exit->size);
    if (atomic_exchange(&vm->kicked, false)) { /* consumed before it is reported */
        ret_exit->kind = SCONCE_EXIT_CANCELLED;
        return SCONCE_PLUGIN_OK;
    }
    /* The hypervisor's run call, and its exit put into the contract's terms. */
    if (!answer(vm))
        return fail(err, INVALID, "there is no boot page, or no OUT buffer");
    ret_exit->kind = SCONCE_EXIT_DOORBELL;
    ret_exit->u.doorbell.number = SCONCE_DOORBELL_READY;
    return SCONCE_PLUGIN_OK;
}

static int32_t vcpu_complete(struct sconce_plugin_vm *vm, int64_t result,
                             struct sconce_plugin_error *err)
{
    (void)vm;
    (void)result;
    return fail(err, INVALID, "vcpu_complete without a SYSCALL exit, of which there are none");
}

static int32_t vcpu_set_tls(struct sconce_plugin_vm *vm, uint64_t tls,
                            struct sconce_plugin_error *err)
{
    if (tls >= ADDRESS_END)
        return fail(err, INVALID, "the TLS base is no address of a guest's");
    vm->entry.tls = tls;
    return SCONCE_PLUGIN_OK;
}

/* In a signal handler: make the run that it interrupted, or the next one, return. */
static void vcpu_kick_local(struct sconce_plugin_vm *vm)
{
    atomic_store(&vm->kicked, true);
}

/* ---- what the core must know of the architecture ---- */

static const char *syscall_name(uint64_t raw_nr)
{
    (void)raw_nr;
    return NULL;
}

static void describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    snprintf(buf, (size_t)bytes, "fault %u", fault->kind);
}

static const struct sconce_ext_arch arch = {
    .size = sizeof arch,
    .elf_machine = 62,   /* EM_X86_64 */
    .reloc_relative = 8, /* R_X86_64_RELATIVE */
    .page_bytes = 4096,
    .name = "x86_64",
    .syscall_name = syscall_name,
    .describe_fault = describe_fault,
};

static const void *get_extension(const char *id)
{
    return strcmp(id, SCONCE_EXT_ARCH) == 0 ? &arch : NULL;
}

static const struct sconce_plugin_ops ops = {
    .size = sizeof ops,
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

/* Name, version, architecture, ELF machine, mechanism, isolation, status, what it requires. */
SCONCE_PLUGIN_DEFINE("minimal", "1.0", "x86_64", 62, "minimal", "none", "experimental", "",
                     SCONCE_THREADS_PER_VM, &ops, NULL, get_extension);
