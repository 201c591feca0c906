/* SPDX-License-Identifier: Apache-2.0 */
/* A VP that never runs, of a hypervisor that the test plays: its registers by name, and what it
 * leaves behind when a guest stops. One at a time; the tests write to all of it. */
#ifndef SCONCE_PLUGINS_MSHV_AARCH64_TESTS_FAKE_HV_H
#define SCONCE_PLUGINS_MSHV_AARCH64_TESTS_FAKE_HV_H

#include "plugins/mshv-aarch64/mshv-aarch64.h"
#include "plugins/shared/mshv/tests/fake-vp.h"
#include "plugins/shared/tests/exits.h"

#define REPORT_GPA (SCONCE_GPA_MAX + SCONCE_A64_REPORT_OFFSET)
#define SAVE_GPA (SCONCE_GPA_MAX + SCONCE_A64_SAVE_OFFSET)
#define SVC(imm16) (0x56000000u | (imm16))

/* Where the shim's store stands in vector 8, and what the processor says of it in ESR_EL2: a data
 * abort of a lower EL, valid, 8 bytes, of XZR, a write, a translation fault at level 3. */
#define STORE_AT(vector) (sconce_a64_vector_gpa(SCONCE_GPA_MAX, vector) + 12 * 4)
#define STORE_SYNDROME 0x93df8047ull

extern struct sconce_plugin_vm vm;

/** start_over - a VM that runs, and nothing has happened; each test's setup. */
int start_over(void **state);

/** save - where the shim puts the guest's registers. */
struct sconce_a64_save *save(void);
/** report_of - an exception from EL0 at @pc, saved by the shim, and its store. */
struct hv_gpa_access report_of(unsigned vector, uint64_t esr, uint64_t pc);
/** run_to - vcpu_run that ends with this message; NULL: with a kick. */
void run_to(uint32_t type, const void *payload, size_t bytes);
void run_to_store(const struct hv_gpa_access *access);
void run_to_kick(void);

/** all_features - of a processor with everything that matters here. */
extern const struct sconce_a64_features all_features;

#endif
