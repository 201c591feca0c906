/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misbehaving guests as data: a call, and the faults that it may come to. Each must end as one of
 * them, the sandbox must then be POISONED, and restoring it must work. Where machines differ by
 * right, a case takes each of what is right.
 */
#ifndef SCONCE_PLUGIN_CHECK_BAD_H
#define SCONCE_PLUGIN_CHECK_BAD_H

#include "tools/plugin-check/box.h"

/* Sets of fault kinds. */
#define K(kind) (1u << SCONCE_FAULT_##kind)
#define P_OR_I (K(PRIVILEGE) | K(ILLEGAL))
/* A fault by any name: for what only must not have an effect. */
#define ANY_FAULT (~1u)
/* It may also succeed and do nothing. */
#define OR_NOTHING 1u

#define NO_ADDRESS UINT64_MAX

struct check_bad {
    const char *function;
    char type; /* of its one argument: 'm' u64, 'u' u32; 0: none */
    uint64_t argument;
    uint32_t kinds;
    uint32_t access;  /* of MEMORY; SCONCE_ACCESS_UNKNOWN: do not look */
    uint64_t address; /* of MEMORY; NO_ADDRESS: do not look */
};

/* A call that must succeed, for what looks like misbehaviour and is none. */
struct check_good {
    const char *function; /* without arguments; NULL behind the last */
    char type;            /* of its result: 'm' u64, 'u' u32, 'n' none */
    uint64_t result;
};

#define MEMORY(function, access, address)                                                          \
    {                                                                                              \
        function, 0, 0, K(MEMORY), SCONCE_ACCESS_##access, address                                 \
    }
#define AT(function, argument, access)                                                             \
    {                                                                                              \
        function, 'm', argument, K(MEMORY), SCONCE_ACCESS_##access, argument                       \
    }
#define OTHER(function, kinds)                                                                     \
    {                                                                                              \
        function, 0, 0, kinds, 0, NO_ADDRESS                                                       \
    }
#define WITH_M(function, argument, kinds)                                                          \
    {                                                                                              \
        function, 'm', argument, kinds, 0, NO_ADDRESS                                              \
    }
#define WITH_U(function, argument, kinds)                                                          \
    {                                                                                              \
        function, 'u', argument, kinds, 0, NO_ADDRESS                                              \
    }
#define LAST                                                                                       \
    {                                                                                              \
        NULL, 0, 0, 0, 0, 0                                                                        \
    }

/** check_run_bad - one of them, in the box's sandbox, which is restored afterwards. */
enum check_outcome check_run_bad(struct check *check, struct check_box *box,
                                 const struct check_bad *bad);

/** check_run_all - all up to LAST in one sandbox, restored each time (the box is opened with @file
 * when it is empty); then a new sandbox must work as well. What goes wrong is told of each, with
 * "; " between, up to a few; the next one has a new sandbox. */
enum check_outcome check_run_all(struct check *check, struct check_box *box, const char *file,
                                 const struct check_bad *bads);

/** check_run_good - all of them, in the box's sandbox. */
enum check_outcome check_run_good(struct check *check, struct check_box *box,
                                  const struct check_good *goods);

#endif
