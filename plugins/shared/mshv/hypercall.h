/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls by MSHV_ROOT_HVCALL. The hypervisor may have done a part of the repetitions, or want
 * memory for the partition, which the kernel gives it before it says EAGAIN: then what is left is
 * asked for again, as often as it takes, while it gets on.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_HYPERCALL_H
#define SCONCE_PLUGINS_SHARED_MSHV_HYPERCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"
#include "sconce-plugin.h"

/* How often in a row a call may be answered with nothing done. Each time the partition has been
 * given a page: whoever is not content with these never will be. */
#define SCONCE_MSHV_MAX_IDLE 512u

/* A call whose input is a head and @reps elements, and whose output as many. */
struct sconce_mshv_call {
    uint16_t code;
    uint16_t reps; /* 0: a call without repetitions, whose head is all */
    const void *head;
    size_t head_bytes;
    const void *in;  /* the elements, or NULL */
    size_t in_bytes; /* of one */
    void *out;
    size_t out_bytes; /* of one */
};

/**
 * sconce_mshv_call - on a partition's or VP's descriptor. Lists of any length: one that does not
 * fit a page is sent in parts.
 * @ret_status: the hypervisor's HV_STATUS, when it was asked; or NULL.
 * @ret_done: how many repetitions were done, or NULL.
 * Returns 0, or a negative errno.
 */
int sconce_mshv_call(int fd, const struct sconce_mshv_call *call, uint16_t *ret_status,
                     uint16_t *ret_done);

/** sconce_mshv_call_failed - tell of it. @what: "read registers"; @r: what the call returned. */
int32_t sconce_mshv_call_failed(struct sconce_plugin_error *err, int r, uint16_t status,
                                const char *what);

/**
 * sconce_mshv_is_refusal - did the hypervisor itself say that there is no such thing, or not for
 * this partition? All else, want of memory above all, tells nothing about what there is: who takes
 * it for a refusal goes on with less than the machine has, and less than the policy wants.
 */
bool sconce_mshv_is_refusal(const struct sconce_plugin_error *why);

/** sconce_mshv_set_property - SYSTEM, NO_MEMORY. */
int32_t sconce_mshv_set_property(int partition_fd, uint32_t code, uint64_t value,
                                 struct sconce_plugin_error *err);

/* ---- Registers of VP 0 ---------------------------------------------------------------------- */

/** sconce_mshv_get_registers - @names to @values; of none, nothing is asked. @what: "read debug
 * registers". SYSTEM, NO_MEMORY. */
int32_t sconce_mshv_get_registers(int vp_fd, const uint32_t *names, struct mshv_value *values,
                                  uint16_t count, const char *what,
                                  struct sconce_plugin_error *err);

/** sconce_mshv_set_registers - @what: "set debug registers". SYSTEM, NO_MEMORY; some may be set
 * then. */
int32_t sconce_mshv_set_registers(int vp_fd, const struct mshv_register *registers, uint16_t count,
                                  const char *what, struct sconce_plugin_error *err);

#endif
