/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET_VP_STATE and SET_VP_STATE: the rules for buffers, and XSAVE. The other states are kept as
 * they were set and affect nothing: there is no APIC and no synthetic interrupt controller.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define TIMERS_BYTES 136u /* struct hv_synthetic_timers_state */
#define USER_END (1ull << 47)

static uint32_t state_bytes(const struct double_vp *vp, uint8_t type)
{
    switch (type) {
    case MSHV_STATE_XSAVE:
        return double_xsave_told(vp->cpuid, vp->xsave_states);
    case MSHV_STATE_TIMERS:
        return TIMERS_BYTES;
    default:
        return MSHV_PAGE;
    }
}

static int check(const struct mshv_vp_state *args)
{
    static const uint8_t zero[sizeof args->reserved];

    if (args->type >= MSHV_STATE_COUNT || memcmp(args->reserved, zero, sizeof zero) != 0 ||
        !args->buf_size || args->buf_size % MSHV_PAGE || args->buf_ptr % MSHV_PAGE)
        return -EINVAL;
    return args->buf_size > USER_END - args->buf_ptr || args->buf_ptr > USER_END ? -EFAULT : 0;
}

/* The hypervisor works on the client's own pages, which are pinned for writing either way. */
static int pin(const struct mshv_vp_state *args)
{
    if (args->type == MSHV_STATE_TIMERS)
        return 0;
    return double_sys(SYS_madvise, (long)args->buf_ptr, args->buf_size, MADV_POPULATE_WRITE, 0, 0,
                      0) < 0
               ? -EFAULT
               : 0;
}

static int transfer(struct double_vp *vp, const struct mshv_vp_state *args, uint32_t bytes,
                    bool set)
{
    uint8_t *buffer = vp->kept_xsave;
    bool is_xsave = args->type == MSHV_STATE_XSAVE;
    uint8_t *kept = vp->states[args->type];
    int r;

    if (bytes > DOUBLE_XSAVE_BYTES)
        return -EIO;
    if (set) {
        r = double_sys_copy_in(buffer, args->buf_ptr, bytes);
        if (r == 0 && is_xsave)
            r = double_xsave_set(vp, buffer, bytes);
        if (r == 0 && !is_xsave)
            memcpy(kept, buffer, bytes);
        return r;
    }
    r = is_xsave ? double_xsave_get(vp, buffer, bytes) : 0;
    if (r == 0)
        r = double_sys_copy_out(args->buf_ptr, is_xsave ? buffer : kept, bytes);
    return r;
}

static int perform(struct double_vp *vp, uint64_t argument, bool set)
{
    struct mshv_vp_state args;
    uint32_t bytes;
    int r = double_sys_copy_in(&args, argument, sizeof args);

    if (r == 0)
        r = check(&args);
    if (r < 0)
        return r;
    bytes = state_bytes(vp, args.type);
    /* Told whether it fits or not. */
    r = double_sys_copy_out(argument + offsetof(struct mshv_vp_state, buf_size), &bytes,
                            sizeof bytes);
    if (r == 0 && bytes > args.buf_size)
        r = -EINVAL;
    if (r == 0)
        r = pin(&args);
    if (r < 0)
        return r;
    pthread_mutex_lock(&vp->state_lock);
    r = transfer(vp, &args, bytes, set);
    pthread_mutex_unlock(&vp->state_lock);
    return r;
}

int double_state(struct double_vp *vp, uint64_t argument, bool set)
{
    int r = double_plan_error(set ? DOUBLE_AT_SET_STATE : DOUBLE_AT_GET_STATE);

    if (r == 0)
        r = perform(vp, argument, set);
    double_log("%s-state %d", set ? "set" : "get", r);
    return r;
}
