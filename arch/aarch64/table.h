/* SPDX-License-Identifier: Apache-2.0 */
/* The sconce.arch/1 extension of every aarch64 backend. */
#ifndef SCONCE_ARCH_AARCH64_TABLE_H
#define SCONCE_ARCH_AARCH64_TABLE_H

#include "sconce-ext-arch.h"

extern const struct sconce_ext_arch sconce_a64_arch;

#endif
