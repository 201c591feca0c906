/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/mshv/hypercall.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plugins/shared/mshv/device.h"
#include "plugins/shared/plugin-error.h"

/* One ioctl: elements @from to @from + @count. Returns a negative errno, or 0. */
static int ask(int fd, const struct sconce_mshv_call *call, uint16_t from, uint16_t count,
               struct mshv_root_hvcall *args)
{
    _Alignas(8) uint8_t in[MSHV_HVCALL_BYTES];
    size_t elements = (size_t)count * call->in_bytes;

    memcpy(in, call->head, call->head_bytes);
    if (elements)
        memcpy(in + call->head_bytes, (const uint8_t *)call->in + from * call->in_bytes, elements);
    *args = (struct mshv_root_hvcall){
        .code = call->code,
        .reps = count,
        .in_bytes = (uint16_t)(call->head_bytes + elements),
        .out_bytes = (uint16_t)((count ? count : 1) * call->out_bytes),
        .in = (uint64_t)(uintptr_t)in,
        .out = call->out ? (uint64_t)(uintptr_t)call->out + from * call->out_bytes : 0,
    };
    return sconce_mshv_ioctl(fd, MSHV_ROOT_HVCALL, args) < 0 ? -errno : 0;
}

/* How many of the elements that are left go into one call. */
static uint16_t fit(const struct sconce_mshv_call *call, uint16_t left)
{
    size_t most = left;

    if (call->in_bytes && most > (MSHV_HVCALL_BYTES - call->head_bytes) / call->in_bytes)
        most = (MSHV_HVCALL_BYTES - call->head_bytes) / call->in_bytes;
    if (call->out_bytes && most > MSHV_HVCALL_BYTES / call->out_bytes)
        most = MSHV_HVCALL_BYTES / call->out_bytes;
    return (uint16_t)most;
}

int sconce_mshv_call(int fd, const struct sconce_mshv_call *call, uint16_t *ret_status,
                     uint16_t *ret_done)
{
    struct mshv_root_hvcall args = {0};
    uint16_t done = 0;
    unsigned idle = 0;
    int r = 0;

    do {
        uint16_t count = fit(call, call->reps - done), progress;

        r = ask(fd, call, done, count, &args);
        /* Without a status the kernel has refused by itself, and written nothing back. */
        progress = args.reps <= count && (r == 0 || args.status != MSHV_HV_OK) ? args.reps : 0;
        done += progress;
        idle = progress ? 0 : idle + 1;
        if (r < 0 && r != -EAGAIN)
            break;
        if (!call->reps && r == 0)
            break;
        if (idle == SCONCE_MSHV_MAX_IDLE)
            r = -EAGAIN;
    } while (idle < SCONCE_MSHV_MAX_IDLE && (!call->reps || done < call->reps));
    if (call->reps && done == call->reps)
        r = 0; /* nothing is left to be asked again */
    if (ret_status)
        *ret_status = args.status;
    if (ret_done)
        *ret_done = done;
    return r;
}

static const char *meaning(uint16_t status)
{
    static const char *const names[] = {
        [MSHV_HV_INVALID_CODE] = "invalid hypercall code",
        [MSHV_HV_INVALID_PARAMETER] = "invalid parameter",
        [MSHV_HV_ACCESS_DENIED] = "access denied",
        [0x07] = "invalid partition state",
        [MSHV_HV_OPERATION_DENIED] = "operation denied",
        [MSHV_HV_UNKNOWN_PROPERTY] = "unknown property",
        [0x0d] = "invalid partition",
        [0x0e] = "invalid virtual processor",
        [0x15] = "invalid state of the virtual processor",
        [0x1d] = "no resources",
        [MSHV_HV_FEATURE_UNAVAILABLE] = "feature unavailable",
        [MSHV_HV_FEATURE_UNSUPPORTED] = "processor feature not supported",
        [MSHV_HV_INVALID_REGISTER_VALUE] = "invalid register value",
    };

    return status < sizeof names / sizeof names[0] && names[status] ? names[status]
                                                                    : "see HV_STATUS";
}

#define HINT_MEMORY "keep fewer sandboxes, or give the root partition more memory"

/* A kernel that could not give the hypervisor the memory that it wants says ENOMEM. */
int32_t sconce_mshv_call_failed(struct sconce_plugin_error *err, int r, uint16_t status,
                                const char *what)
{
    if (r == -EAGAIN && status == MSHV_HV_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_HV_STATUS, status,
                                  NULL,
                                  "cannot %s: the hypervisor does none of it, and says no "
                                  "reason",
                                  what);
    if (r == -EAGAIN)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_HV_STATUS, status,
                                  HINT_MEMORY,
                                  "cannot %s: the hypervisor asks for memory without end", what);
    if (status == MSHV_HV_INSUFFICIENT_MEMORY)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_HV_STATUS, status,
                                  HINT_MEMORY,
                                  "cannot %s: there is no memory that the hypervisor wants", what);
    if (status != MSHV_HV_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_HV_STATUS, status,
                                  NULL, "cannot %s: the hypervisor says 0x%" PRIx16 ", %s", what,
                                  status, meaning(status));
    return sconce_plugin_fail(
        err, r == -ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO,
        -r, r == -ENOMEM ? HINT_MEMORY : NULL, "cannot %s", what);
}

bool sconce_mshv_is_refusal(const struct sconce_plugin_error *why)
{
    static const uint16_t refusals[] = {
        MSHV_HV_INVALID_CODE,        MSHV_HV_INVALID_PARAMETER,      MSHV_HV_ACCESS_DENIED,
        MSHV_HV_OPERATION_DENIED,    MSHV_HV_UNKNOWN_PROPERTY,       MSHV_HV_FEATURE_UNAVAILABLE,
        MSHV_HV_FEATURE_UNSUPPORTED, MSHV_HV_INVALID_REGISTER_VALUE,
    };

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (why->domain == SCONCE_DOMAIN_HV_STATUS && why->code == refusals[i])
            return true;
    return false;
}

int32_t sconce_mshv_set_property(int partition_fd, uint32_t code, uint64_t value,
                                 struct sconce_plugin_error *err)
{
    const struct mshv_set_property in = {.code = code, .value = value};
    const struct sconce_mshv_call call = {
        .code = MSHV_HVCALL_SET_PARTITION_PROPERTY,
        .head = &in,
        .head_bytes = sizeof in,
    };
    uint16_t status;
    int r = sconce_mshv_call(partition_fd, &call, &status, NULL);

    return r == 0 ? SCONCE_PLUGIN_OK
                  : sconce_mshv_call_failed(err, r, status, "set a partition's property");
}

/* ---- Registers ------------------------------------------------------------------------------ */

static const struct mshv_register_head vp_0;

int32_t sconce_mshv_get_registers(int vp_fd, const uint32_t *names, struct mshv_value *values,
                                  uint16_t count, const char *what, struct sconce_plugin_error *err)
{
    const struct sconce_mshv_call call = {
        .code = MSHV_HVCALL_GET_VP_REGISTERS,
        .reps = count,
        .head = &vp_0,
        .head_bytes = sizeof vp_0,
        .in = names,
        .in_bytes = sizeof *names,
        .out = values,
        .out_bytes = sizeof *values,
    };
    uint16_t status = MSHV_HV_OK;
    int r = count ? sconce_mshv_call(vp_fd, &call, &status, NULL) : 0;

    return r == 0 ? SCONCE_PLUGIN_OK : sconce_mshv_call_failed(err, r, status, what);
}

int32_t sconce_mshv_set_registers(int vp_fd, const struct mshv_register *registers, uint16_t count,
                                  const char *what, struct sconce_plugin_error *err)
{
    const struct sconce_mshv_call call = {
        .code = MSHV_HVCALL_SET_VP_REGISTERS,
        .reps = count,
        .head = &vp_0,
        .head_bytes = sizeof vp_0,
        .in = registers,
        .in_bytes = sizeof *registers,
    };
    uint16_t status = MSHV_HV_OK;
    int r = count ? sconce_mshv_call(vp_fd, &call, &status, NULL) : 0;

    return r == 0 ? SCONCE_PLUGIN_OK : sconce_mshv_call_failed(err, r, status, what);
}
