/* SPDX-License-Identifier: Apache-2.0 */
/* What this architecture's assembler file needs of the guest ABI, whose header is C alone. */
#ifndef SCONCE_GUEST_ARCH_H
#define SCONCE_GUEST_ARCH_H

#define ARCH_DOORBELL_PORT 0x5c

#ifndef __ASSEMBLER__
#include "sconce-guest-abi.h"
_Static_assert(ARCH_DOORBELL_PORT == SCONCE_DOORBELL_PORT_X86_64, "the guest ABI's port");
#endif

#endif
