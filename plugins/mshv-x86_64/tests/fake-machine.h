/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More of the hypervisor that the test plays: what a new VP shows of CPUID and XSAVE, what it is
 * told to show, and a trial guest that ends as one does. On top of fake-hv.h.
 */
#ifndef SCONCE_PLUGINS_MSHV_X86_64_TESTS_FAKE_MACHINE_H
#define SCONCE_PLUGINS_MSHV_X86_64_TESTS_FAKE_MACHINE_H

#include "plugins/mshv-x86_64/tests/fake-hv.h"

extern struct fake_machine {
    bool no_nx;     /* CPUID has no "execute disable" */
    bool odd_xsave; /* an area in standard format */
    bool is_deaf;   /* overrides are taken, and nothing comes of them */
    bool odd_trial; /* the trial rings a doorbell in the place of its system call */

    struct hv_cpuid_override overrides[MSHV_X86_MAX_CPUID];
    unsigned override_count;
} machine;

/* The VP's XSAVE state, in compacted format, as it was set last. */
extern uint8_t machine_xsave[MSHV_PAGE];

/** machine_vm - a VM of what a probe finds, with the arena of exits.h as its memory. */
struct sconce_plugin_vm *machine_vm(void);
/** machine_make - the same, step by step: the first status that is not OK. @ret_vm: NULL unless it
 * was made. */
int32_t machine_make(struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err);
/** machine_enter - at CODE_GPA, with MACHINE_TLS. */
int32_t machine_enter(struct sconce_plugin_vm *made, struct sconce_plugin_error *err);
#define MACHINE_TLS 0x123456789000ull

/** machine_ring - for fake.run, of another VM than a trial's: its guest rings doorbell 7. */
int machine_ring(struct mshv_message *message);

/** machine_start - each test's setup; whatever a probe has found out is forgotten. */
int machine_start(void **state);

#endif
