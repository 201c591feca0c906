/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the Sconce core and its backends.
 *
 * A backend is a shared object for one architecture and one mechanism. It includes this header (and
 * the sconce-ext-*.h headers of the extensions that it offers), links nothing of Sconce's, and
 * exports exactly one function, sconce_plugin_entry_v1(), made by SCONCE_PLUGIN_DEFINE().
 * sconce-plugin(7) tells the lifecycle; docs/plugin-abi.md tells, op by op, how each kind of
 * mechanism implements it.
 *
 * Rules that hold for everything below:
 *  - Only fixed-width integers, pointers and arrays cross. Every struct starts with its size in
 *    bytes, set by the side that allocated it; a reader copies no more than that many bytes. (The
 *    descriptor has it behind its magic number. Those without one never change: settings, members
 *    of an exit's union, register files.)
 *  - Reserved fields are zero, and the reader refuses anything else.
 *  - A minor version only appends: members at the end of a struct, values to a list, extensions.
 *  - Nothing that one side allocated is freed by the other. Strings are static or copied.
 *  - A plugin never exits, aborts, prints, or changes a signal's disposition. Processes that it has
 *    are met by no SIGCHLD handler and no wait() of the host's, and do not outlive the host.
 *  - The guest runs inside vcpu_run alone. Between two runs, after CANCELLED too, it executes
 *    nothing and its memory changes only by the host's hand.
 *  - In a forked child the core calls no op for a VM of the parent's. What a plugin keeps for the
 *    process it must know to be the parent's.
 *
 * Thread tags: [any-thread] may be called from any thread at any time; [vm-serial] one call at a
 * time for one VM, from any thread (the core serializes); [async-signal-safe] may interrupt
 * anything, on the thread that is inside vcpu_run of that VM.
 *
 * This header is valid C11 and C++17 and needs <stddef.h> and <stdint.h> alone.
 */
#ifndef SCONCE_PLUGIN_H
#define SCONCE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Plugins are built with hidden symbols; the entry is the exception. */
#if defined(__GNUC__)
#define SCONCE_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define SCONCE_PLUGIN_EXPORT
#endif

/* ABI version of this header: frozen, but for what a minor appends. The entry's suffix is the
 * major. frozen/ of the sources has the headers of every minor. */
#define SCONCE_PLUGIN_ABI_MAJOR 1
#define SCONCE_PLUGIN_ABI_MINOR 0

#define SCONCE_PLUGIN_MAGIC 0x45434e53u /* "SNCE", little-endian: catches a wrong shared object */

/* Status codes of every op: 0 is success, these are failures. A guest's fault is an exit, never one
 * of these. */
#define SCONCE_PLUGIN_OK 0
#define SCONCE_PLUGIN_E_NOT_SUPPORTED (-1) /* this backend cannot do this at all */
#define SCONCE_PLUGIN_E_UNAVAILABLE (-2)   /* the machine lacks something: a device, a right */
#define SCONCE_PLUGIN_E_INVALID (-3)       /* an argument breaks the contract */
#define SCONCE_PLUGIN_E_NO_MEMORY (-4)
#define SCONCE_PLUGIN_E_SYSTEM (-5) /* the system or hypervisor failed; domain and code say how */
#define SCONCE_PLUGIN_E_DEAD (-6)   /* the VM can only be destroyed now */

/**
 * SCONCE_BYTES_TO - how many bytes a struct has up to a member's end.
 * SCONCE_HAS - has a struct that was handed over this member? @p: its address. The other side may
 *   be of an older minor: what 1.0 has is always there, what was appended since has to be asked
 * for. A reader that takes sizeof for the least refuses every older core.
 */
#define SCONCE_BYTES_TO(tag, member)                                                               \
    (offsetof(struct tag, member) + sizeof(((struct tag *)0)->member))
#define SCONCE_HAS(tag, p, member) ((p)->size >= SCONCE_BYTES_TO(tag, member))

/* Whose number sconce_plugin_error.code is. */
#define SCONCE_DOMAIN_NONE 0u
#define SCONCE_DOMAIN_ERRNO 1u     /* code: a positive errno value */
#define SCONCE_DOMAIN_HV_STATUS 2u /* code: a Hyper-V HV_STATUS */
#define SCONCE_DOMAIN_HRESULT 3u
#define SCONCE_DOMAIN_EXIT 4u   /* code: the mechanism's exit reason, suberror << 32 */
#define SCONCE_DOMAIN_PLUGIN 5u /* code: the plugin's own, explained in its documentation */

/**
 * struct sconce_plugin_error - why an op failed.
 *
 * Allocated by the caller, who sets @size, zeroes the numbers and empties the texts; filled by the
 * callee on failure only. Texts are NUL-terminated UTF-8, lower case, without a final full stop:
 * @text says what was tried on what and why it failed, @hint what a person can do about it (empty
 * when nothing).
 */
struct sconce_plugin_error {
    uint32_t size;
    uint32_t domain; /* SCONCE_DOMAIN_* */
    int64_t code;
    char text[320];
    char hint[256];
};

/* ---- What the core hands to a plugin ------------------------------------------------------- */

#define SCONCE_LOG_ERROR 0u
#define SCONCE_LOG_WARNING 1u
#define SCONCE_LOG_INFO 2u
#define SCONCE_LOG_DEBUG 3u

/**
 * struct sconce_plugin_host - the core's services; outlives every use by the plugin.
 *
 * @log: [any-thread] @key is a stable dotted identifier ("kvm.vm_create"), @text one line.
 *       Never called from vcpu_kick_local.
 * @get_service: [any-thread] a host extension by string id, or NULL when this core has none.
 */
struct sconce_plugin_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx;
    void (*log)(void *ctx, uint32_t level, const char *key, const char *text);
    const void *(*get_service)(void *ctx, const char *id);
};

/* ---- Guest memory -------------------------------------------------------------------------- */

/* What a memory object is for. A plugin may treat them alike. */
#define SCONCE_MEM_IMAGE 1u  /* code and constants: immutable after load, shared by sandboxes */
#define SCONCE_MEM_STATE 2u  /* data, heap, stack of one sandbox: what a snapshot holds */
#define SCONCE_MEM_IO 3u     /* call frames: zeroed at reset, never in a snapshot */
#define SCONCE_MEM_BOOT 4u   /* the boot page: written by the host alone */
#define SCONCE_MEM_WINDOW 5u /* a predeclared range for data attached at READY */

#define SCONCE_HANDLE_NONE 0u
#define SCONCE_HANDLE_LINUX_FD 1u /* a memfd, sealed against resizing */
#define SCONCE_HANDLE_WIN_SECTION 2u

/* Memory is given out, placed and mapped in multiples of this many bytes (hosts with 16 KiB or
 * 64 KiB pages included). */
#define SCONCE_MEM_GRANULE 65536u

/**
 * struct sconce_memory - a range of memory that the core allocated.
 *
 * Borrowed by the plugin from mem_map until mem_unmap or vm_destroy: until then the handle stays
 * open, and a reset may map it anew. Several objects may be ranges of one handle. The host view is
 * shared and writable, and is never remapped while it is in use unless the backend declared
 * SCONCE_CAP_FOLLOWS_HOST_MM. With that and SCONCE_CAP_COW_CLONE pages of STATE may be private to
 * the host view, which is then what the guest must see: the handle does not have them, and what
 * @host_addr shows becomes other pages when they are written or dropped.
 *
 * @host_addr: where the core sees the first byte.
 * @handle, @offset: what another process would map to see it, and where in it, in bytes.
 */
struct sconce_memory {
    uint32_t size;
    uint32_t role; /* SCONCE_MEM_* */
    uint64_t bytes;
    void *host_addr;
    uint64_t handle;
    uint64_t offset;
    uint32_t handle_kind; /* SCONCE_HANDLE_* */
    uint32_t reserved0;
};

#define SCONCE_PROT_READ 1u
#define SCONCE_PROT_WRITE 2u
#define SCONCE_PROT_EXEC 4u /* never together with WRITE */

/**
 * struct sconce_mapping - where a part of an object appears to the guest.
 *
 * Guest-virtual and guest-physical addresses are equal. @gpa, @bytes and @object_offset are
 * multiples of SCONCE_MEM_GRANULE; the range lies in [vm_config.gpa_min, vm_config.gpa_max) and
 * overlaps no other mapping. A part of an object may appear at several places: a mechanism that
 * takes a host address only once maps it again, by its handle.
 */
struct sconce_mapping {
    uint32_t size;
    uint32_t prot; /* SCONCE_PROT_* as the guest sees it */
    uint64_t gpa;
    uint64_t bytes;
    uint64_t object_offset;
};

/* ---- VMs and exits ------------------------------------------------------------------------- */

/* Opaque; each plugin defines its own. One VM has one vCPU. */
struct sconce_plugin_vm;

#define SCONCE_VM_DEBUGGABLE                                                                       \
    1u /* the IMAGE object is private to this VM; sconce.debug/1 will be used */

/**
 * struct sconce_vm_config - what vm_create is asked for.
 *
 * @gpa_min, @gpa_max: guest mappings lie in [gpa_min, gpa_max). [gpa_max, gpa_max +
 *   reserved_bytes) is the plugin's own, for tables, shims and stubs. The core maps nothing there
 * and takes nothing from there; whether the guest can reach it is the mechanism's affair.
 */
struct sconce_vm_config {
    uint32_t size;
    uint32_t flags; /* SCONCE_VM_* */
    uint64_t gpa_min;
    uint64_t gpa_max;
    uint64_t reserved_bytes;
};

#define SCONCE_EXIT_DOORBELL 1u /* running again continues after it; no register is reported */
#define SCONCE_EXIT_SYSCALL 2u  /* the guest trapped; answer with vcpu_complete, then run */
#define SCONCE_EXIT_FAULT 3u    /* terminal until vcpu_reset */
#define SCONCE_EXIT_DEBUG 4u    /* sconce.debug/1 stopped the guest */
#define SCONCE_EXIT_CANCELLED                                                                      \
    5u                          /* a kick; no register is promised; run may be called again, and   \
                                   tells SHUTDOWN when the guest had to be ended to stop it */
#define SCONCE_EXIT_SHUTDOWN 6u /* the machine gave up (triple fault, power off) */
#define SCONCE_EXIT_FAIL 7u     /* the mechanism failed; the VM can only be destroyed */

/* What went wrong in the guest, in terms that every architecture shares. */
#define SCONCE_FAULT_MEMORY 1u     /* address and access are valid */
#define SCONCE_FAULT_ILLEGAL 2u    /* undefined instruction */
#define SCONCE_FAULT_PRIVILEGE 3u  /* privileged instruction, denied port, protection violation */
#define SCONCE_FAULT_ARITHMETIC 4u /* integer division */
#define SCONCE_FAULT_FLOAT 5u      /* unmasked floating-point exception */
#define SCONCE_FAULT_BREAKPOINT 6u /* int3, BRK */
#define SCONCE_FAULT_STEP 7u       /* debug trap nobody asked for */
#define SCONCE_FAULT_ALIGNMENT 8u  /* alignment check, misaligned stack or PC */
#define SCONCE_FAULT_STACK 9u      /* stack address that the machine cannot hold */
#define SCONCE_FAULT_OTHER 10u     /* detail has the architecture's own number */

#define SCONCE_ACCESS_UNKNOWN 0u
#define SCONCE_ACCESS_READ 1u
#define SCONCE_ACCESS_WRITE 2u
#define SCONCE_ACCESS_EXEC 3u

/* System calls that the core's personality knows, whatever the architecture's numbers. A plugin
 * maps numbers to ids; everything else is SCONCE_SYS_UNKNOWN with raw_nr set, and the core goes by
 * the name that sconce.arch/1 has for it. A minor may append ids; this one has none. */
#define SCONCE_SYS_UNKNOWN 0u

struct sconce_exit_doorbell {
    uint32_t number; /* SCONCE_DOORBELL_* of the guest ABI, as the guest gave it: untrusted */
    uint32_t reserved0;
};

struct sconce_exit_syscall {
    uint32_t id; /* SCONCE_SYS_* */
    uint32_t reserved0;
    uint64_t raw_nr;
    uint64_t args[6];
};

struct sconce_exit_fault {
    uint32_t kind;   /* SCONCE_FAULT_* */
    uint32_t access; /* SCONCE_ACCESS_* */
    uint64_t address;
    uint64_t pc;
    uint64_t detail; /* the architecture's own: x86 vector | error code << 8; aarch64 ESR_EL1 */
};

struct sconce_exit_fail {
    uint32_t domain; /* SCONCE_DOMAIN_* */
    uint32_t reserved0;
    int64_t code;
    char text[112];
};

/**
 * struct sconce_exit - why vcpu_run came back.
 *
 * @size is set by the core; the plugin zeroes the rest up to it, then fills. Everything in it came
 * from the guest and is untrusted.
 */
struct sconce_exit {
    uint32_t size;
    uint32_t kind; /* SCONCE_EXIT_*; says which member of the union counts */
    union {
        struct sconce_exit_doorbell doorbell;
        struct sconce_exit_syscall syscall;
        struct sconce_exit_fault fault;
        struct sconce_exit_fail fail;
        uint8_t raw[128]; /* freezes the union's size */
    } u;
};

/**
 * struct sconce_entry - where a guest starts or resumes: at start, and after a reset.
 *
 * @pc, @sp and @tls may come from a guest and are untrusted: a value that the architecture cannot
 * hold in an unprivileged register is SCONCE_PLUGIN_E_INVALID, and changes nothing.
 * @args: the first integer argument registers of the architecture's C calling convention.
 */
struct sconce_entry {
    uint32_t size;
    uint32_t reserved0;
    uint64_t pc;
    uint64_t sp;
    uint64_t tls;
    uint64_t args[2];
};

/* ---- The descriptor ------------------------------------------------------------------------ */

/* Facts that probe reports. Unknown bits are ignored by both sides. */
#define SCONCE_CAP_EXEC_ENFORCED (1ull << 0) /* a page without PROT_EXEC cannot be executed */
#define SCONCE_CAP_COW_CLONE (1ull << 1)     /* STATE may be private to the host view */
#define SCONCE_CAP_LAZY_MEMORY (1ull << 2)   /* pages are populated on touch */
#define SCONCE_CAP_DYNAMIC_MAP (1ull << 3)   /* mem_map and mem_unmap work after the first enter */
#define SCONCE_CAP_FOLLOWS_HOST_MM (1ull << 4) /* remapping the host view changes the guest's */
#define SCONCE_CAP_SYSCALL_EXITS (1ull << 5)   /* a guest's system call is a SYSCALL exit */
#define SCONCE_CAP_SCRIPTED (1ull << 6)        /* runs no guest code: answers come from a script */

/* How the core makes a VM that runs return. */
#define SCONCE_KICK_FLAG                                                                           \
    1u /* signal the thread once; vcpu_kick_local from its handler suffices                        \
        */
#define SCONCE_KICK_RESIGNAL 2u /* signal the thread again until vcpu_run has returned */
#define SCONCE_KICK_NATIVE                                                                         \
    3u /* vcpu_kick_local may be called from any thread, without a signal                          \
        */

/* How many threads may be inside the plugin. The core takes the locks that a model asks for. */
#define SCONCE_THREADS_ONE 1u    /* one call at a time in the process */
#define SCONCE_THREADS_PER_VM 2u /* one call at a time for one VM */

/**
 * struct sconce_probe - what a backend found on this machine.
 * @max_vms: how many VMs may live at once in this process; 0 means no limit of the mechanism's.
 * @granule: what mappings must be a multiple of, at most SCONCE_MEM_GRANULE.
 */
struct sconce_probe {
    uint32_t size;
    uint32_t kick_style; /* SCONCE_KICK_* */
    uint64_t caps;       /* SCONCE_CAP_* */
    uint32_t max_vms;
    uint32_t granule;
    char description[96]; /* for people: "KVM 12, PVM guest, SYSCALL by #PF" */
};

/**
 * struct sconce_plugin_setting - one key of [backend.NAME] that configure() takes.
 */
struct sconce_plugin_setting {
    const char *key;           /* [a-z0-9_.]+ */
    const char *default_value; /* NULL when there is none */
    const char *help;          /* one line */
};

/**
 * struct sconce_plugin_ops - the base operations, in calling order.
 *
 * All but those marked optional are required; the core refuses a plugin that lacks one. Absent
 * optional ones answer SCONCE_PLUGIN_E_NOT_SUPPORTED.
 */
struct sconce_plugin_ops {
    uint32_t size;
    uint32_t setting_count;
    const struct sconce_plugin_setting *settings; /* NULL when setting_count is 0 */

    /* [any-thread, before probe] optional when setting_count is 0. One key of [backend.NAME].
     * Settings belong to the plugin's copy in this process; the last value wins. */
    int32_t (*configure)(const char *key, const char *value, struct sconce_plugin_error *err);

    /* [any-thread] Can this machine run this backend now? Cheap (under a few ms), leaves nothing
     * behind, may be called again. UNAVAILABLE with text and hint when not. */
    int32_t (*probe)(struct sconce_probe *ret_probe, struct sconce_plugin_error *err);

    /* [any-thread] */
    int32_t (*vm_create)(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                         struct sconce_plugin_error *err);

    /* [vm-serial] Takes a VM in any state; nothing it was lent is touched after it returns. */
    void (*vm_destroy)(struct sconce_plugin_vm *vm);

    /* [vm-serial] Before the first vcpu_enter (later only with SCONCE_CAP_DYNAMIC_MAP). */
    int32_t (*mem_map)(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                       const struct sconce_mapping *mapping, struct sconce_plugin_error *err);

    /* [vm-serial] optional. Exactly a range that was mapped. */
    int32_t (*mem_unmap)(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                         struct sconce_plugin_error *err);

    /* [vm-serial] optional. The host wrote code at [gpa, gpa + bytes): make fetches see it. The
     * core calls it when the op is there; x86 needs none. */
    int32_t (*mem_sync_code)(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                             struct sconce_plugin_error *err);

    /* [vm-serial] Scrub every register class that the guest could write (general, FP and SIMD with
     * their controls, debug, TLS bases, MSRs or sysregs) to the architecture's initial user state,
     * and drop pending completions and cancellations. Memory is the core's, which puts it back
     * after this returns: by then nothing of the old run may still write to it. On failure the VM
     * is dead. vcpu_enter follows. */
    int32_t (*vcpu_reset)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);

    /* [vm-serial] Set PC, SP, TLS and arguments. Only after vm_create or vcpu_reset. */
    int32_t (*vcpu_enter)(struct sconce_plugin_vm *vm, const struct sconce_entry *entry,
                          struct sconce_plugin_error *err);

    /* [vm-serial] Run until the next exit. Errors are the contract's or DEAD; what the guest or the
     * mechanism does while it runs is an exit. */
    int32_t (*vcpu_run)(struct sconce_plugin_vm *vm, struct sconce_exit *ret_exit,
                        struct sconce_plugin_error *err);

    /* [vm-serial] The result of the SYSCALL exit that vcpu_run just reported, for the guest's
     * result register; the next vcpu_run continues behind the trapping instruction. */
    int32_t (*vcpu_complete)(struct sconce_plugin_vm *vm, int64_t result,
                             struct sconce_plugin_error *err);

    /* [vm-serial] The thread pointer (FS base, TPIDR_EL0), between exits. Untrusted: see entry. */
    int32_t (*vcpu_set_tls)(struct sconce_plugin_vm *vm, uint64_t tls,
                            struct sconce_plugin_error *err);

    /* [async-signal-safe] Make the vcpu_run that this signal handler interrupted, or the next one,
     * return with CANCELLED. With SCONCE_KICK_NATIVE: [any-thread]. Spurious calls are harmless:
     * the core runs again. vcpu_run consumes the request when it reports CANCELLED, before it
     * returns. It costs no exit of a guest that lives on: what the guest has done by then is
     * reported, and the request stays for the next run. */
    void (*vcpu_kick_local)(struct sconce_plugin_vm *vm);
};

/**
 * struct sconce_plugin - what the entry function returns; static, valid until the process ends.
 *
 * The core copies it and its ops at load and never reads the plugin's copy again.
 */
struct sconce_plugin {
    uint32_t magic; /* SCONCE_PLUGIN_MAGIC */
    uint32_t size;
    uint16_t abi_major; /* the header that it was compiled against */
    uint16_t abi_minor;
    uint16_t min_host_minor; /* the oldest core that it works with: SCONCE_PLUGIN_MIN_HOST_MINOR */
    uint16_t thread_model;   /* SCONCE_THREADS_* */
    const char *name;        /* equal to the file's and the note's */
    const char *version;     /* the plugin's own */
    const char *arch;
    const char *mechanism;
    const char *isolation; /* "vm", "process" or "none" */
    const struct sconce_plugin_ops *ops;
    /* [any-thread] optional. A static table by string id ("sconce.regs/1"), or NULL. */
    const void *(*get_extension)(const char *id);
    uint64_t reserved0;
};

/**
 * sconce_plugin_entry_v1 - the one symbol that a plugin exports.
 * @host: [borrow] for the life of the process.
 * @err: [borrow] filled when NULL is returned.
 *
 * Called once per process and file, before anything else. NULL means that the plugin will not work
 * with this core.
 */
SCONCE_PLUGIN_EXPORT const struct sconce_plugin *
sconce_plugin_entry_v1(const struct sconce_plugin_host *host, struct sconce_plugin_error *err);
typedef const struct sconce_plugin *(*sconce_plugin_entry_fn)(const struct sconce_plugin_host *,
                                                              struct sconce_plugin_error *);
#define SCONCE_PLUGIN_ENTRY_SYMBOL "sconce_plugin_entry_v1"

#ifdef __cplusplus
}
#endif

#include "sconce-plugin-define.h"
#include "sconce-plugin-layout.h"

#endif
