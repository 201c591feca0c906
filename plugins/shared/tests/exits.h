/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of a backend's decoding and answering have alike: memory of a guest that never
 * runs, and what an exit must be. The test lays out what processor and kernel leave behind, and has
 * it decoded into `result`.
 */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_EXITS_H
#define SCONCE_PLUGINS_SHARED_TESTS_EXITS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/shared/mappings.h"
#include "plugins/shared/vcpu-state.h"
#include "sconce-guest-abi.h"

/* A granule of code, and one of data right behind; nothing else. */
#define CODE_GPA 0x400000ull
#define DATA_GPA (CODE_GPA + SCONCE_MEM_GRANULE)
#define CODE_END DATA_GPA

extern uint8_t arena[2 * SCONCE_MEM_GRANULE]; /* code and data, as the host sees them */
extern struct sconce_exit result;

/** lay_out - make an empty VM's memory the arena, its vCPU one that runs, and the result empty.
 * @state: the expectations look there, until the next call. */
void lay_out(struct sconce_plugin_mappings *memory, enum sconce_vcpu_state *state);

/* What the result is, and that the vCPU's state goes with it. */
void expect_fault(uint32_t kind, uint64_t pc);
/* One that the guest cannot go on from. */
void expect_final_fault(uint32_t kind, uint64_t pc);
void expect_failure(const char *text);
void expect_shutdown(void);

#endif
