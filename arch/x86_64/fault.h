/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions in the contract's words. */
#ifndef SCONCE_ARCH_X86_64_FAULT_H
#define SCONCE_ARCH_X86_64_FAULT_H

#include <stdint.h>

#include "sconce-plugin.h"

/* Vectors: SDM vol 3A table 6-1. */
#define SCONCE_X86_VECTOR_UD 6u
#define SCONCE_X86_VECTOR_GP 13u
#define SCONCE_X86_VECTOR_PF 14u

/* Page-fault error code: SDM vol 3A 4.7. */
#define SCONCE_X86_PF_PRESENT (1u << 0)
#define SCONCE_X86_PF_WRITE (1u << 1)
#define SCONCE_X86_PF_USER (1u << 2)
#define SCONCE_X86_PF_FETCH (1u << 4)

struct sconce_x86_exception {
    uint8_t vector;
    uint32_t error; /* 0 for a vector without one */
    uint64_t rip;
    uint64_t rsp;
    uint64_t cr2; /* of a #PF */
};

/**
 * sconce_x86_fault - the fault exit of an exception in ring 3.
 * The PC is the machine's: of the instruction for faults, behind it for #BP and most #DB. The
 * detail is vector | error << 8.
 */
void sconce_x86_fault(const struct sconce_x86_exception *exception,
                      struct sconce_exit_fault *ret_fault);

/** sconce_x86_describe_fault - "#PF, error 0x6"; see sconce.arch/1. */
void sconce_x86_describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes);

#endif
