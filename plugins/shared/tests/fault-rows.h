/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does wrong, and the fault that it gets. test-faults.c has the rows that are the same
 * everywhere, ARCH/fault-cases.c those of one architecture; each backend brings its own. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_FAULT_ROWS_H
#define SCONCE_PLUGINS_SHARED_TESTS_FAULT_ROWS_H

#include "plugins/shared/tests/arch.h"

#define ANY UINT64_MAX
#define ANY_ACCESS UINT32_MAX
#define ANY_KIND 0u

struct fault_row {
    const char *name;
    const uint8_t *code;
    const uint8_t *end;
    uint32_t kind;
    uint32_t access;
    uint64_t address;
    uint64_t pc;       /* offset in the guest's code, or an address beyond it */
    const uint8_t *at; /* or a place in the code */
};

#define ROW(name, kind, access, address, pc)                                                       \
    {                                                                                              \
#name, guest_##name, guest_##name##_end, kind, access, address, pc, NULL                   \
    }
#define MEMORY(name, access, address, pc)                                                          \
    ROW(name, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_##access, address, pc)
#define DENIED(name, pc) ROW(name, SCONCE_FAULT_PRIVILEGE, SCONCE_ACCESS_UNKNOWN, 0, pc)
#define OTHER(name, kind, pc) ROW(name, SCONCE_FAULT_##kind, SCONCE_ACCESS_UNKNOWN, 0, pc)
/* With the PC at LABEL(NAME_at) in the guest. */
#define ROW_AT(name, kind, access, address)                                                        \
    {                                                                                              \
#name, guest_##name, guest_##name##_end, kind, access, address, 0, guest_##name##_at       \
    }
#define MEMORY_AT(name, access, address)                                                           \
    ROW_AT(name, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_##access, address)
#define DENIED_AT(name) ROW_AT(name, SCONCE_FAULT_PRIVILEGE, SCONCE_ACCESS_UNKNOWN, 0)
#define OTHER_AT(name, kind) ROW_AT(name, SCONCE_FAULT_##kind, SCONCE_ACCESS_UNKNOWN, 0)
/* The kind is the host's choice: it may hide one exception behind another. */
#define HOSTS_CHOICE(name) ROW(name, ANY_KIND, ANY_ACCESS, ANY, ANY)

/* The backend's own, and the architecture's; the last one has no name. */
extern const struct fault_row own_fault_rows[];
extern const struct fault_row arch_fault_rows[];

/* A guest with its LABEL(NAME_at) declared. */
#define GUEST_AT(name, text)                                                                       \
    GUEST(name, text);                                                                             \
    extern const uint8_t guest_##name##_at[]
#define DECLARE_GUEST_AT(name)                                                                     \
    DECLARE_GUEST(name);                                                                           \
    extern const uint8_t guest_##name##_at[]

/* ARCH/fault-cases.c has these, too, for the rows that every machine has. */
DECLARE_GUEST_AT(read_null);
DECLARE_GUEST_AT(write_null);
DECLARE_GUEST_AT(write_hole);
DECLARE_GUEST(run_data);
DECLARE_GUEST(run_hole);
DECLARE_GUEST_AT(undefined);
DECLARE_GUEST_AT(breakpoint); /* there, or behind it, as the machine has it */

/* How the description of write_null's fault begins. */
extern const char *const arch_write_null_text;

#endif
