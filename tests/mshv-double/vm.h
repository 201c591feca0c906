/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition and its virtual processors, on a KVM VM and its vCPUs; what the files of this folder
 * share. Functions that stand for the driver return 0 or more, or a negative errno; functions that
 * stand for the hypervisor return an HV status.
 */
#ifndef MSHV_DOUBLE_VM_H
#define MSHV_DOUBLE_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "tests/mshv-double/hv.h"
#include "tests/mshv-double/page.h"
#include "tests/mshv-double/self.h"
#include "tests/mshv-double/table.h"
#include "tests/mshv-double/uapi.h"

#define DOUBLE_MAX_CPUID 256u
#define DOUBLE_MAX_OVERRIDES 64u
#define DOUBLE_XSAVE_BYTES 16384u /* KVM's, AMX included */

struct double_region {
    struct double_region *next;
    uint64_t gfn, pages, host;
    uint8_t flags;
    uint8_t *view; /* the double's own mapping of the pages, or the client's when it is movable */
    bool view_is_own;
    bool absent; /* movable, and the client's mapping cannot be written: the guest gets nothing */
    uint32_t slot;
    uint64_t *dirty; /* a bit a page, while accesses are tracked */
};

struct double_partition {
    struct double_object object; /* first; its fd is KVM's VM */
    pthread_mutex_t mutex;       /* the driver's: around every ioctl of the partition, and
                                    every hypercall */
    uint64_t id;
    bool initialized;
    uint64_t flags;
    uint64_t cpu_disabled[MSHV_CPU_FEATURE_BANKS], xsave_disabled;
    struct kvm_cpuid2 *host_cpuid; /* read while the client can open /dev/kvm */

    pthread_mutex_t regions_lock; /* a running VP looks at them, too */
    struct double_region *regions;

    /* The hypervisor's part. */
    uint64_t synthetic_features, msr_action, time_freeze, access_tracking, privileges;
    uint64_t exceptions; /* bit n: vector n is intercepted */
    uint32_t msrs;       /* HV_ACCESS_BIT_*: those that the hypervisor does not know */
    bool msrs_told;      /* KVM leaves for those */
    uint32_t override_count;
    struct hv_cpuid_result_input overrides[DOUBLE_MAX_OVERRIDES];
    struct double_vp *vps[MSHV_MAX_VPS];
};

struct double_vp {
    struct double_object object; /* first; its fd is KVM's vCPU */
    struct double_partition *partition;
    uint32_t index;
    pthread_mutex_t mutex; /* the driver's: held for the whole of every ioctl of the VP */

    /* The hypervisor's: of all that follows, but not while the guest runs. Of two VPs' no thread
     * holds both; it comes after the partition's mutex, and before regions_lock. */
    pthread_mutex_t state_lock;
    bool running;
    bool has_run;
    uint32_t msrs; /* of the partition, at the last entry */
    bool faults_msrs;
    bool breaks;                /* #BP is intercepted */
    bool debugged, single_step; /* as KVM was told by KVM_SET_GUEST_DEBUG */
    struct kvm_run *run;
    size_t run_bytes;
    struct double_hidden run_hidden, pages_hidden;
    uint64_t signal_mask; /* what KVM was told last */
    bool signal_mask_known;

    /* Registers between runs. Written one by one, they need not fit together before the next run.
     */
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    bool regs_dirty, sregs_dirty;
    struct kvm_sregs kvm_sregs;         /* as KVM has told them last */
    uint64_t entered_at;                /* RIP at the last entry */
    uint32_t more_bytes;                /* of a piecewise access, behind its first piece */
    struct kvm_segment tr_set, tr_echo; /* KVM-PVM does not read back the TR that was set */

    /* The last page that was translated, as one exit asks for few: until the guest or the client
     * can have changed something. */
    bool translated;
    uint64_t translated_gva, translated_gpa;

    bool explicit_suspend, intercept_suspend, dispatch_suspend;
    uint64_t internal_activity;

    struct hv_message *message; /* shared with the client's mappings, a page each */
    struct hv_register_page *page;

    struct kvm_cpuid2 *cpuid;                    /* what the guest sees */
    struct kvm_cpuid2 *native_cpuid;             /* the same without the client's overrides */
    uint64_t xsave_states;                       /* components that the guest can have */
    uint8_t states[MSHV_STATE_COUNT][MSHV_PAGE]; /* those that are kept and no more */

    /* For work that is too large for a client's stack. */
    uint8_t xsave[DOUBLE_XSAVE_BYTES];
    uint8_t kept_xsave[DOUBLE_XSAVE_BYTES];
    uint8_t kept_page[MSHV_PAGE];
};

/* partition.c */
int double_partition_create(int device, uint64_t argument);
int double_partition_ioctl(struct double_partition *p, uint32_t request, uint64_t argument);

/* memory.c */
int double_memory_set(struct double_partition *p, uint64_t argument);
void double_memory_drop(struct double_partition *p);
/** double_memory_find - the region of a guest-physical address; with regions_lock. */
struct double_region *double_memory_find(struct double_partition *p, uint64_t gpa);
/** double_memory_read, double_memory_write - @bytes at @gpa, within one page; false where nothing
 * is mapped. */
bool double_memory_read(struct double_partition *p, uint64_t gpa, void *to, size_t bytes);
bool double_memory_write(struct double_partition *p, uint64_t gpa, const void *from, size_t bytes);

/** double_memory_slot - tell KVM of a region, as its flags and the partition's are now. */
int double_memory_slot(struct double_partition *p, const struct double_region *region, bool there);

/** double_memory_look_again - can the guest have regions now that it could not have? With the
 * partition's mutex. */
void double_memory_look_again(struct double_partition *p);
/** double_memory_take_away - from the guest, those regions that the client's memory has no longer
 * all of. Were there any? */
bool double_memory_take_away(struct double_partition *p);

/* dirty.c */
uint16_t double_dirty_track(struct double_partition *p, uint64_t value);
/** double_dirty_start - of a region: all is dirty at first. 0 or -ENOMEM. */
int double_dirty_start(struct double_region *region);
int double_dirty_bitmap(struct double_partition *p, uint64_t argument);

/* view.c */
/**
 * double_view_make - pages that stay the guest's whatever the client does with its own mapping.
 * Returns 0 or -errno: the client's memory is made writable now (pin_user_pages with FOLL_WRITE).
 */
int double_view_make(uint64_t host, uint64_t bytes, uint8_t **ret_view);
/** double_view_fault_in - private pages become the client's own. 0, or -errno: they cannot be
 * written. */
int double_view_fault_in(uint64_t host, uint64_t bytes);
/** double_view_drop - what was private memory of the client is so again. */
void double_view_drop(const uint8_t *view);
/** double_view_start - open what this needs, while the client still lets it. */
void double_view_start(void);

/* vp.c */
int double_vp_create(struct double_partition *p, uint64_t argument);
void double_vp_free(struct double_vp *vp);
/** double_vp_ioctl - all signals are blocked; RUN_VP lets in what @client_signals does. */
int double_vp_ioctl(struct double_vp *vp, uint32_t request, uint64_t argument,
                    uint64_t client_signals);
/** double_vp_mmap - as mmap(2): an address, or a negative errno. */
long double_vp_mmap(struct double_vp *vp, void *addr, size_t bytes, int prot, int flags,
                    long offset);

/* run.c; the VP's mutex is held, and below that its state_lock */
int double_run(struct double_vp *vp, uint64_t argument, uint64_t client_signals);
/** double_run_translate - by the guest's page tables. */
bool double_run_translate(struct double_vp *vp, uint64_t gva, uint64_t *ret_gpa);

/* signals.c */
/** double_signals_end_run - KVM_RUN was interrupted: by a signal that the client is to have? Those
 * that it ignores are dropped. */
bool double_signals_end_run(uint64_t client_signals);

/* message.c: a message about what the VP's registers and KVM's exit say */
void double_message_start(struct double_vp *vp, uint32_t type, uint8_t length, uint8_t access);
void double_message_io(struct double_vp *vp, uint8_t length, const struct kvm_regs *regs,
                       bool string, bool rep);
void double_message_gpa(struct double_vp *vp, uint64_t gpa, uint8_t access, const uint64_t *gva,
                        uint8_t length);
void double_message_msr(struct double_vp *vp, uint32_t msr, bool write, uint64_t value);
void double_message_exception(struct double_vp *vp, uint8_t vector, uint64_t parameter);
void double_message_planned(struct double_vp *vp, uint32_t type);
/** double_message_insn - up to 16 bytes at RIP; how many were had. */
uint8_t double_message_insn(struct double_vp *vp, uint64_t rip, uint8_t bytes[16]);

/* settle.c: KVM's exits where the registers are at, or behind, the instruction */
void double_settle_io(struct double_vp *vp);
void double_settle_msr(struct double_vp *vp);
/** double_settle_finish - KVM finishes its access, and the VP has these registers again. Returns
 * where KVM had put RIP. */
uint64_t double_settle_finish(struct double_vp *vp, const struct kvm_regs *as_before);

/* mmio.c */
void double_mmio_exit(struct double_vp *vp);
/** double_mmio_not_emulated - KVM cannot emulate what stands at RIP. Is that for an access that is
 * refused? Then there is a message about it. */
bool double_mmio_not_emulated(struct double_vp *vp);

/* regs.c, msrs.c, regpage.c; the VP's state_lock is held */
uint16_t double_regs_get(struct double_vp *vp, uint32_t name, struct hv_value *ret_value);
uint16_t double_regs_set(struct double_vp *vp, uint32_t name, const struct hv_value *given);
/** double_regs_flush - to KVM, before it runs. -EINVAL: a processor has no such state. */
int double_regs_flush(struct double_vp *vp);
void double_regs_fetch(struct double_vp *vp);
uint64_t *double_regs_gp(struct kvm_regs *regs, unsigned number);
/** double_regs_base - of CS, SS, DS or ES: in 64-bit mode it does not count. */
uint64_t double_regs_base(const struct double_vp *vp, const struct kvm_segment *segment);
struct hv_segment double_regs_segment(const struct kvm_segment *from);
struct kvm_segment double_regs_kvm_segment(const struct hv_segment *from);
struct kvm_segment *double_regs_segment_at(struct kvm_sregs *sregs, unsigned number);
uint16_t double_events_get(struct double_vp *vp, uint32_t name, struct hv_value *ret_value);
uint16_t double_events_set(struct double_vp *vp, uint32_t name, const struct hv_value *value);
/** double_regs_xmm - XMM0 and on, all at once. */
void double_regs_xmm(struct double_vp *vp, uint8_t (*to)[16], unsigned count);
uint16_t double_msrs_get(struct double_vp *vp, uint32_t name, uint64_t *ret_value);
uint16_t double_msrs_set(struct double_vp *vp, uint32_t name, uint64_t value);
void double_regpage_take(struct double_vp *vp);
void double_regpage_fill(struct double_vp *vp);

/* hvcall.c: the driver's part; hypercall.c: the hypervisor's */
int double_hvcall(struct double_partition *p, bool on_partition, uint64_t argument);
int double_hvcall_device(int device, uint64_t argument);
/** double_hvcall_is_passed_on - does the driver let it through, by a partition or a VP? */
bool double_hvcall_is_passed_on(uint16_t code);
bool double_hvcall_has_reps(uint16_t code);
/** double_hypercall - with the partition's mutex. */
uint16_t double_hypercall(struct double_partition *p, uint16_t code, uint16_t reps,
                          const void *input, void *output, uint16_t *ret_done);

/* property.c */
uint16_t double_property_get(struct double_partition *p, uint32_t code, uint64_t *ret_value);
uint16_t double_property_set(struct double_partition *p, uint32_t code, uint64_t value);
uint16_t double_property_host(int device, uint32_t code, uint64_t *ret_value);

/* intercept.c */
uint16_t double_intercept_install(struct double_partition *p, const struct hv_intercept_input *in);
/** double_intercept_apply - what KVM can be told of the partition's intercepts, before a run. */
void double_intercept_apply(struct double_vp *vp);

/* features.c */
/** double_features_apply - the CPUID that the partition shows, to a vCPU that has not run. */
uint16_t double_features_apply(struct double_vp *vp);
/** double_features_of - a bank of processor features that a list has. */
uint64_t double_features_of(struct kvm_cpuid2 *list, unsigned bank);
/** double_features_host - KVM's list, with room for DOUBLE_MAX_CPUID; the caller's to free. */
int double_features_host(int device, struct kvm_cpuid2 **ret_list);
struct kvm_cpuid_entry2 *double_features_leaf(struct kvm_cpuid2 *list, uint32_t leaf,
                                              uint32_t subleaf);

/* state.c, xsave.c */
int double_state(struct double_vp *vp, uint64_t argument, bool set);
/** double_xsave_told - how large the hypervisor says that it is at most. */
uint32_t double_xsave_told(struct kvm_cpuid2 *cpuid, uint64_t states);
int double_xsave_get(struct double_vp *vp, uint8_t *to, uint32_t bytes);
int double_xsave_set(struct double_vp *vp, const uint8_t *from, uint32_t bytes);
/** double_xsave_raw - KVM's area, standard format; DOUBLE_XSAVE_BYTES. */
int double_xsave_raw(struct double_vp *vp, uint8_t *area, bool set);

#endif
