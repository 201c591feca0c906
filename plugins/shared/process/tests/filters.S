/* SPDX-License-Identifier: Apache-2.0 */
/* What make-filters writes for each stub, in pages that stand for it. */
    .section .rodata

#define raw_stub x86_64_page
#define filter_listener x86_64_listener
#define filter_wall x86_64_wall
    .balign 4096
    .globl x86_64_page, x86_64_listener, x86_64_wall
x86_64_page:
    .quad 0, 0, 0
#include "process-x86_64-filters.h"
#undef raw_stub
#undef filter_listener
#undef filter_wall

#define raw_stub x86_64_prctl_page
#define filter_listener x86_64_prctl_listener
#define filter_wall x86_64_prctl_wall
    .balign 4096
    .globl x86_64_prctl_page, x86_64_prctl_listener, x86_64_prctl_wall
x86_64_prctl_page:
    .quad 0, 0, 0
#include "process-x86_64-prctl-filters.h"
#undef raw_stub
#undef filter_listener
#undef filter_wall

#define raw_stub aarch64_page
#define filter_listener aarch64_listener
#define filter_wall aarch64_wall
    .balign 4096
    .globl aarch64_page, aarch64_listener, aarch64_wall
aarch64_page:
    .quad 0, 0, 0
#include "process-aarch64-filters.h"
    .balign 4096

    .section .note.GNU-stack, "", @progbits
