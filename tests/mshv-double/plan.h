/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the test wants the driver and the hypervisor to be like, and what is to go wrong: read from
 * the environment when the library is loaded. README.md has the grammar.
 */
#ifndef MSHV_DOUBLE_PLAN_H
#define MSHV_DOUBLE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct double_plan {
    bool no_device;        /* open() says ENOENT */
    bool v2;               /* CREATE_PARTITION takes feature masks */
    bool self_hvcall;      /* ROOT_HVCALL on the device */
    bool movable;          /* regions follow the client's memory */
    bool retries;          /* the driver itself asks again where the hypervisor wants memory */
    bool no_register_page; /* mmap of it says ENODEV */
    bool large_xsave;      /* the state is as large as on a processor with AMX */
    bool tss_available;    /* not of the driver: KVM is told that no TSS is busy */
};

enum double_fault_kind {
    DOUBLE_FAULT_NONE,
    DOUBLE_FAULT_ERRNO,        /* the call fails with value */
    DOUBLE_FAULT_STATUS,       /* the hypercall does nothing and gives status value */
    DOUBLE_FAULT_PARTIAL_REPS, /* value repetitions are done, then there is no memory */
    DOUBLE_FAULT_EINTR,        /* RUN_VP: a signal came before the guest ran */
    DOUBLE_FAULT_FORGET_PAGE,  /* RUN_VP: the same, the register page is gone and was not taken */
    DOUBLE_FAULT_MESSAGE,      /* RUN_VP: the guest does not run; value is the message's type */
    DOUBLE_FAULT_RACE,         /* RUN_VP: signal value arrives while a message is in flight */
};

struct double_fault {
    enum double_fault_kind kind;
    uint32_t value;
};

/* Where calls are counted. Hypercalls are counted by their code, too. */
enum double_point {
    DOUBLE_AT_OPEN,
    DOUBLE_AT_CREATE_PARTITION,
    DOUBLE_AT_INITIALIZE,
    DOUBLE_AT_CREATE_VP,
    DOUBLE_AT_MEMORY,
    DOUBLE_AT_MMAP,
    DOUBLE_AT_RUN,
    DOUBLE_AT_GET_STATE,
    DOUBLE_AT_SET_STATE,
    DOUBLE_AT_HVCALL,
    DOUBLE_POINTS,
};

extern struct double_plan double_plan;

/**
 * double_plan_fault - count one more call of @point; the fault that is planned for this one, if
 * any. [any-thread]
 */
struct double_fault double_plan_fault(enum double_point point);

/** double_plan_hvcall - the same for a hypercall: as one of all, and as one of its code. */
struct double_fault double_plan_hvcall(uint16_t code);

/** double_plan_error - for points where a call can fail and no more: 0, or -errno. */
int double_plan_error(enum double_point point);

/**
 * double_log - a line for a call and its result in the file MSHV_DOUBLE_LOG, if there is one.
 * [any-thread]
 */
__attribute__((format(printf, 1, 2))) void double_log(const char *format, ...);

#endif
