/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of guests of kvm-aarch64 that touch what the backend has in their address space. */
#include "plugins/shared/tests/fault-rows.h"
#include "plugins/shared/tests/aarch64/code.h"

#define REPORT_GPA (SCONCE_GPA_MAX + 0xf000)
#define SAVE_GPA (SCONCE_GPA_MAX + 0x10000)
#define SHIM_GPA (SCONCE_GPA_MAX + 0x11000)
#define TABLES_GPA (SCONCE_GPA_MAX + 0x12000)

#define AT(h1, h0) SET(x20, 0, 0xf, h1, h0)

GUEST(run_shim, AT(0xff01, 0x1400) "br x20");
GUEST_AT(read_shim, AT(0xff01, 0x1000) LABEL(read_shim_at) "ldr w9, [x20]");
GUEST_AT(write_shim, AT(0xff01, 0x1400) LABEL(write_shim_at) "str w9, [x20]");
GUEST_AT(read_save, AT(0xff01, 0) LABEL(read_save_at) "ldr x9, [x20]");
GUEST_AT(write_save, AT(0xff01, 0) LABEL(write_save_at) "str x9, [x20]");
GUEST_AT(read_tables, AT(0xff01, 0x2000) LABEL(read_tables_at) "ldr w9, [x20]");
/* What the shim itself reports with, to the byte. */
GUEST_AT(report, AT(0xff00, 0xffb8) LABEL(report_at) "str xzr, [x20]");
GUEST_AT(report_beside, AT(0xff00, 0xe000) LABEL(report_beside_at) "str xzr, [x20]");

/* What is a host's choice elsewhere, KVM and the registers of arch/aarch64/sysregs.h decide: timers
 * are closed by CNTKCTL_EL1 and the virtual counter is open, a vCPU has no SVE, and ID registers
 * are EL1's. Left a choice are WFE and WFI, which may be over before they are trapped (Arm ARM
 * D17.2.118, nTWI), and what emulated processors let pass: the cycle counter, which KVM traps by
 * MDCR_EL2.TPM, and maintenance where nothing is mapped. */
DECLARE_GUEST(timer);
DECLARE_GUEST(counter);
DECLARE_GUEST(identify);
DECLARE_GUEST(sve);

#define DECIDED(name, kind, pc)                                                                    \
    {                                                                                              \
#name " by KVM", guest_##name, guest_##name##_end, SCONCE_FAULT_##kind,                    \
            SCONCE_ACCESS_UNKNOWN, 0, pc, NULL                                                     \
    }

const struct fault_row own_fault_rows[] = {
    DECIDED(timer, PRIVILEGE, 0),
    DECIDED(counter, ILLEGAL, 4), /* the instruction behind it */
    DECIDED(identify, PRIVILEGE, 0),
    DECIDED(sve, ILLEGAL, 0),
    MEMORY(run_shim, EXEC, SHIM_GPA + 0x400, SHIM_GPA + 0x400),
    MEMORY_AT(read_shim, READ, SHIM_GPA),
    MEMORY_AT(write_shim, WRITE, SHIM_GPA + 0x400),
    MEMORY_AT(read_save, READ, SAVE_GPA),
    MEMORY_AT(write_save, WRITE, SAVE_GPA),
    MEMORY_AT(read_tables, READ, TABLES_GPA),
    MEMORY_AT(report, WRITE, REPORT_GPA + 0xfb8),
    MEMORY_AT(report_beside, WRITE, REPORT_GPA - 0x1000),
    {0},
};
