/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does wrong, and the fault that it gets. plugins/shared/tests/test-faults.c has the
 * rows that are the same for all backends of x86_64; each backend brings its own. */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_FAULT_ROWS_H
#define SCONCE_PLUGINS_SHARED_TESTS_FAULT_ROWS_H

#include "plugins/shared/tests/fake-host.h"

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
    uint64_t pc; /* offset in the guest's code, or an address beyond it */
};

#define ROW(name, kind, access, address, pc)                                                       \
    {                                                                                              \
#name, guest_##name, guest_##name##_end, kind, access, address, pc                         \
    }
#define MEMORY(name, access, address, pc)                                                          \
    ROW(name, SCONCE_FAULT_MEMORY, SCONCE_ACCESS_##access, address, pc)
#define DENIED(name, pc) ROW(name, SCONCE_FAULT_PRIVILEGE, SCONCE_ACCESS_UNKNOWN, 0, pc)
#define OTHER(name, kind, pc) ROW(name, SCONCE_FAULT_##kind, SCONCE_ACCESS_UNKNOWN, 0, pc)
/* The kind is the host's choice: it may hide one exception behind another. */
#define HOSTS_CHOICE(name) ROW(name, ANY_KIND, ANY_ACCESS, ANY, ANY)

/* The backend's own; the last one has no name. */
#define MAX_OWN_FAULT_ROWS 32
extern const struct fault_row own_fault_rows[];

#endif
