/* SPDX-License-Identifier: Apache-2.0 */
/* The stub where the kernel lets programs read and write the bases of FS and GS by instructions
 * (FSGSBASE). */
#include "plugins/process-x86_64/control.h"

#define STUB_SECTION .stub
#define STUB_FILTERS "process-x86_64-filters.h"

    .macro save_bases
    rdfsbase %rax
    movq %rax, control + SCONCE_CONTROL_FS_BASE(%rip)
    rdgsbase %rax
    movq %rax, control + SCONCE_CONTROL_GS_BASE(%rip)
    .endm

    .macro load_bases
    movq control + SCONCE_CONTROL_FS_BASE(%rip), %rax
    wrfsbase %rax
    movq control + SCONCE_CONTROL_GS_BASE(%rip), %rax
    wrgsbase %rax
    .endm

    .macro bases_calls
    .endm

    .globl raw_stub
    .hidden raw_stub
#include "plugins/process-x86_64/stub-page.S"
