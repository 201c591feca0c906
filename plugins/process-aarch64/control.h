/* SPDX-License-Identifier: Apache-2.0 */
/* The control area's words of aarch64: what a signal frame does not hold. The stub writes them when
 * the guest stops and loads them when it goes on. For C and for assembly. */
#ifndef SCONCE_PROCESS_AARCH64_CONTROL_H
#define SCONCE_PROCESS_AARCH64_CONTROL_H

#include "plugins/shared/process/layout.h"

#define SCONCE_CONTROL_TPIDR (SCONCE_CONTROL_ARCH + 0) /* TPIDR_EL0 */

#endif
