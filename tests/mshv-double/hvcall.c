/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROOT_HVCALL, the driver's part: what it checks, what it passes on, what it gives back. Pages for
 * input and output are never cleared by the driver; here they are full of a pattern, so that a
 * client which gives less than the hypervisor reads is found out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define PATTERN 0xa5

static const uint16_t passed_on[] = {
    HV_GET_PARTITION_PROPERTY,   HV_SET_PARTITION_PROPERTY,
    HV_INSTALL_INTERCEPT,        HV_GET_VP_REGISTERS,
    HV_SET_VP_REGISTERS,         HV_TRANSLATE_VIRTUAL_ADDRESS,
    HV_CLEAR_VIRTUAL_INTERRUPT,  HV_REGISTER_INTERCEPT_RESULT,
    HV_ASSERT_VIRTUAL_INTERRUPT, HV_GET_GPA_PAGES_ACCESS_STATES,
    HV_SIGNAL_EVENT_DIRECT,      HV_POST_MESSAGE_DIRECT,
    HV_GET_VP_CPUID_VALUES,
};

/* Of the device's own target, which is the host. */
static const uint16_t passed_on_self[] = {HV_GET_PARTITION_PROPERTY, HV_GET_PARTITION_PROPERTY_EX};

static bool has(const uint16_t *codes, size_t count, uint16_t code)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

bool double_hvcall_is_passed_on(uint16_t code)
{
    return has(passed_on, sizeof passed_on / sizeof passed_on[0], code);
}

bool double_hvcall_has_reps(uint16_t code)
{
    return code == HV_GET_VP_REGISTERS || code == HV_SET_VP_REGISTERS ||
           code == HV_GET_VP_CPUID_VALUES || code == HV_GET_GPA_PAGES_ACCESS_STATES;
}

static int check(const struct mshv_root_hvcall *args, const uint16_t *codes, size_t count)
{
    static const uint8_t zero[sizeof args->reserved];

    if (args->status || !args->in_ptr || args->in_size < sizeof(uint64_t) ||
        args->in_size > MSHV_PAGE || memcmp(args->reserved, zero, sizeof zero) != 0)
        return -EINVAL;
    if (args->out_ptr && (!args->out_size || args->out_size > MSHV_PAGE))
        return -EINVAL;
    return has(codes, count, args->code) ? 0 : -EINVAL;
}

/* The kernel's own table of statuses. */
static int errno_of(uint16_t status)
{
    switch (status) {
    case HV_OK:
        return 0;
    case HV_INVALID_HYPERCALL_CODE:
    case HV_INVALID_PARAMETER:
    case HV_INVALID_PARTITION_ID:
    case HV_INVALID_VP_INDEX:
    case HV_INVALID_HYPERCALL_INPUT:
    case HV_INVALID_PORT_ID:
    case HV_INVALID_CONNECTION_ID:
    case HV_INVALID_LP_INDEX:
    case HV_INVALID_REGISTER_VALUE:
        return -EINVAL;
    case HV_INSUFFICIENT_MEMORY: /* the driver has given the hypervisor a page; ask again */
        return -EAGAIN;
    default:
        return -EIO;
    }
}

struct pages {
    _Alignas(8) uint8_t in[MSHV_PAGE];
    _Alignas(8) uint8_t out[MSHV_PAGE];
};

/* What is asked for, or what is planned to come instead. */
static uint16_t perform(struct double_partition *p, int device, const struct mshv_root_hvcall *args,
                        struct pages *pages, uint16_t *ret_done)
{
    struct double_fault fault;
    struct hv_property_input in;
    uint64_t value;
    uint16_t status, limit;

    *ret_done = 0;
    if (!p) {
        memcpy(&in, pages->in, sizeof in);
        status = double_property_host(device, in.code, &value);
        memcpy(pages->out, &value, sizeof value);
        return status;
    }
    fault = double_plan_hvcall(args->code);
    if (fault.kind == DOUBLE_FAULT_STATUS)
        return (uint16_t)fault.value;
    if (fault.kind != DOUBLE_FAULT_PARTIAL_REPS)
        return double_hypercall(p, args->code, args->reps, pages->in, pages->out, ret_done);
    limit = fault.value < args->reps ? (uint16_t)fault.value : args->reps;
    status =
        limit ? double_hypercall(p, args->code, limit, pages->in, pages->out, ret_done) : HV_OK;
    return status == HV_OK ? HV_INSUFFICIENT_MEMORY : status;
}

static int call_with(struct double_partition *p, int device, struct mshv_root_hvcall *args,
                     uint64_t argument, struct pages *pages)
{
    const uint64_t id = p ? p->id : ~0ull; /* HV_PARTITION_ID_SELF */
    uint16_t status, done;
    int r;

    memset(pages, PATTERN, sizeof *pages);
    if (double_sys_copy_in(pages->in, args->in_ptr, args->in_size) < 0)
        return -EFAULT;
    memcpy(pages->in, &id, sizeof id);
    status = perform(p, device, args, pages, &done);
    r = errno_of(status);
    double_log("hvcall-0x%x %d status=0x%x reps=%u/%u", args->code, r, status, done, args->reps);
    args->status = status;
    args->reps = args->reps ? done : 0;
    if (double_sys_copy_out(argument, args, sizeof *args) < 0)
        r = -EFAULT;
    if (args->out_ptr && double_sys_copy_out(args->out_ptr, pages->out, args->out_size) < 0)
        r = -EFAULT;
    return r;
}

static int call(struct double_partition *p, int device, struct mshv_root_hvcall *args,
                uint64_t argument)
{
    struct pages *pages = malloc(sizeof *pages);
    int r = pages ? call_with(p, device, args, argument, pages) : -ENOMEM;

    free(pages);
    return r;
}

int double_hvcall(struct double_partition *p, bool on_partition, uint64_t argument)
{
    struct mshv_root_hvcall args;
    int r;

    if (double_sys_copy_in(&args, argument, sizeof args) < 0)
        return -EFAULT;
    r = check(&args, passed_on, sizeof passed_on / sizeof passed_on[0]);
    /* It may be finished later, and that is waited for on a partition alone. */
    if (r == 0 && args.code == HV_SET_PARTITION_PROPERTY && !on_partition)
        r = -EINVAL;
    if (r < 0) {
        double_log("hvcall-0x%x %d refused", args.code, r);
        return r;
    }
    return call(p, -1, &args, argument);
}

int double_hvcall_device(int device, uint64_t argument)
{
    struct mshv_root_hvcall args;
    int r;

    if (double_sys_copy_in(&args, argument, sizeof args) < 0)
        return -EFAULT;
    r = check(&args, passed_on_self, sizeof passed_on_self / sizeof passed_on_self[0]);
    return r < 0 ? r : call(NULL, device, &args, argument);
}
