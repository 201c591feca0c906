/* SPDX-License-Identifier: Apache-2.0 */
/* The control area's words of x86_64: what a signal frame does not hold. The stub writes them when
 * the guest stops and loads them when it goes on. For C and for assembly. */
#ifndef SCONCE_PROCESS_X86_64_CONTROL_H
#define SCONCE_PROCESS_X86_64_CONTROL_H

#include "plugins/shared/process/layout.h"

/* The bases of FS and GS come first: layout.h. */
#define SCONCE_CONTROL_DS (SCONCE_CONTROL_ARCH + 16) /* u16, as is ES: told, never loaded */
#define SCONCE_CONTROL_ES (SCONCE_CONTROL_ARCH + 18)
/* u32: may the bases stay as the guest stopped with them? By the host, at each release; for
 * stub-prctl.S, which else sets them. */
#define SCONCE_CONTROL_KEEP_BASES (SCONCE_CONTROL_ARCH + 20)

#endif
