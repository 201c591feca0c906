/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of guests of process-aarch64 that touch what the backend has in their address space. */
#include "plugins/shared/tests/fault-rows.h"
#include "plugins/shared/process/layout.h"
#include "plugins/shared/tests/aarch64/code.h"

GUEST(write_stub, SET(x20, 0, 0xf, 0xff80, 0) "str w9, [x20]");
GUEST(run_control, SET(x20, 0, 0xf, 0xff81, 0) "br x20");
GUEST(read_beyond, SET(x20, 0, 0xf, 0xff82, 0) "ldr w9, [x20]");
GUEST(read_between, SET(x20, 0, 0xf, 0xff80, 0x1000) "ldr w9, [x20]");

const struct fault_row own_fault_rows[] = {
    MEMORY(write_stub, WRITE, SCONCE_STUB_AT, 16),
    MEMORY(run_control, EXEC, SCONCE_CONTROL_AT, SCONCE_CONTROL_AT),
    MEMORY(read_beyond, READ, SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES, 16),
    MEMORY(read_between, READ, SCONCE_STUB_AT + SCONCE_STUB_PAGE, 16),
    {0},
};
