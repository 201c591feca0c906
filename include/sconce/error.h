/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of libsconce; included by <sconce/sconce.h>. */
#ifndef SCONCE_ERROR_H
#define SCONCE_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SCONCE_API __attribute__((visibility("default")))
#else
#define SCONCE_API
#endif

#define SCONCE_E_INVALID (-1) /* the caller broke this interface's rules */
#define SCONCE_E_NO_MEMORY (-2)
#define SCONCE_E_SYSTEM (-3)        /* the operating system failed; see the text */
#define SCONCE_E_CONFIG (-4)        /* a configuration file or setting is wrong */
#define SCONCE_E_NO_BACKEND (-5)    /* no backend can be used; the text tells each refusal */
#define SCONCE_E_BACKEND (-6)       /* the backend failed while it worked; the sandbox is DEAD */
#define SCONCE_E_GUEST_FORMAT (-7)  /* not a guest: ELF, note, tables, layout */
#define SCONCE_E_NO_FUNCTION (-8)   /* the guest exports no function of that name */
#define SCONCE_E_TYPE (-9)          /* wrong number or type of arguments, or bad UTF-8 */
#define SCONCE_E_NO_IMPORT (-10)    /* the guest imports a function that the host does not serve */
#define SCONCE_E_STATE (-11)        /* the sandbox is not in a state that allows this */
#define SCONCE_E_BUSY (-12)         /* the sandbox is in use, or every one that a pool may have */
#define SCONCE_E_FORKED (-13)       /* the handle belongs to the parent process */
#define SCONCE_E_GUEST_FAILED (-14) /* the guest's function reported failure; still READY */
#define SCONCE_E_GUEST_FAULT (-15)  /* the guest faulted; now POISONED; see error.fault */
#define SCONCE_E_GUEST_ABORT (-16)  /* the guest gave up with a message; now POISONED */
#define SCONCE_E_GUEST_PROTOCOL (-17) /* the guest broke the guest ABI; now POISONED */
#define SCONCE_E_LIMIT (-18)      /* a limit was reached; see error.limit; POISONED if running */
#define SCONCE_E_KICKED (-19)     /* sconce_sandbox_kick ended the call; now POISONED */
#define SCONCE_E_GUEST_EXIT (-20) /* the guest exited, as by exit(); now POISONED */
#define SCONCE_E_SNAPSHOT (-21)   /* no snapshot, or none that can be used here; see the text */

/* What error.limit names. */
#define SCONCE_LIMIT_NONE 0u
#define SCONCE_LIMIT_DEADLINE 1u
#define SCONCE_LIMIT_HOST_CALLS 2u
#define SCONCE_LIMIT_TRAPS 3u
#define SCONCE_LIMIT_OUTPUT 4u
#define SCONCE_LIMIT_MEMORY 5u
#define SCONCE_LIMIT_IO 6u      /* arguments or result do not fit the buffers */
#define SCONCE_LIMIT_NESTING 7u /* calls within calls; nothing is poisoned */

#define SCONCE_FAULT_MEMORY 1u
#define SCONCE_FAULT_ILLEGAL 2u
#define SCONCE_FAULT_PRIVILEGE 3u
#define SCONCE_FAULT_ARITHMETIC 4u
#define SCONCE_FAULT_FLOAT 5u
#define SCONCE_FAULT_BREAKPOINT 6u
#define SCONCE_FAULT_STEP 7u
#define SCONCE_FAULT_ALIGNMENT 8u
#define SCONCE_FAULT_STACK 9u
#define SCONCE_FAULT_OTHER 10u

#define SCONCE_ACCESS_UNKNOWN 0u
#define SCONCE_ACCESS_READ 1u
#define SCONCE_ACCESS_WRITE 2u
#define SCONCE_ACCESS_EXEC 3u

/**
 * struct sconce_fault - what the guest did, where.
 * @detail: the architecture's own number (x86_64: vector | error code << 8).
 */
struct sconce_fault {
    uint32_t kind;   /* SCONCE_FAULT_*; 0 when the error is no fault */
    uint32_t access; /* SCONCE_ACCESS_*, for SCONCE_FAULT_MEMORY */
    uint64_t address;
    uint64_t pc;
    uint64_t detail;
};

/**
 * struct sconce_error - why a call failed; caller-allocated, zero it before first use.
 *
 * Texts are NUL-terminated UTF-8: lower case, no final full stop, possibly several lines in @text
 * (one a refused backend). @hint says what to do next, and is empty when there is nothing to say.
 */
struct sconce_error {
    int32_t code;       /* SCONCE_E_* */
    int32_t guest_code; /* of GUEST_FAILED and GUEST_ABORT; the status of GUEST_EXIT */
    uint32_t limit;     /* SCONCE_LIMIT_* */
    uint32_t reserved0;
    struct sconce_fault fault;
    char text[1024];
    char hint[320];
};

/** sconce_error_name - "no-backend" for SCONCE_E_NO_BACKEND; static. */
SCONCE_API const char *sconce_error_name(int32_t code);

/** sconce_fault_name - "memory" for SCONCE_FAULT_MEMORY; static. */
SCONCE_API const char *sconce_fault_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif
