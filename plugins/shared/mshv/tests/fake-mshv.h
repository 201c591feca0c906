/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of the test's own, in the place of open, close, ioctl, mmap and munmap: it answers as a
 * script says, and counts. Calls that nothing was said of succeed.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_TESTS_FAKE_MSHV_H
#define SCONCE_PLUGINS_SHARED_MSHV_TESTS_FAKE_MSHV_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "plugins/shared/mshv/uapi.h"
#include "sconce-plugin.h"

/* What one ROOT_HVCALL is answered with. */
struct fake_hvcall {
    int errnum; /* 0: the ioctl succeeds */
    uint16_t status;
    uint16_t done;  /* of the repetitions; FAKE_ALL */
    bool untouched; /* the kernel has written nothing back */
};

#define FAKE_ALL 0xffffu

extern struct fake {
    int open_errno;
    int create_errno[8]; /* of the first CREATE_PARTITION, and so on */
    int initialize_errno;
    int create_vp_errno;
    int memory_errno;
    int mmap_errno;

    const struct fake_hvcall *hvcalls; /* one each, the last one for ever */
    size_t hvcall_count;
    /* Called for a hypercall that is done, repetition by repetition. */
    void (*repetition)(uint16_t code, const void *head, const void *in, void *out);

    int (*run)(struct mshv_message *message);            /* 0, or errno */
    int (*state)(bool set, struct mshv_vp_state *state); /* 0, or errno */

    /* Of all that is asked of the driver, the call that fails, from 1; 0: none. A hypercall has
     * fail_status, and nothing is done of it; with 0 the kernel itself has refused it. */
    unsigned fail_at;
    int fail_errno;
    uint16_t fail_status;
    unsigned calls; /* as they are counted for it */

    int fds, maps, live_regions; /* what there is of each; 0 when all was given back */

    struct mshv_create_partition_v2 created[8];
    unsigned creations, initializations, hvcalls_made, runs;
    uint16_t last_in_bytes, last_out_bytes, last_reps;
    struct mshv_user_mem_region regions[80];
    unsigned region_count;
} fake;

extern struct sconce_plugin_error error;

/** fake_start_over - each test's setup. */
int fake_start_over(void **state);
struct sconce_plugin_error *fresh(void);
void expect_error(const char *text, const char *hint);
/** expect_nothing_left - no descriptor, no mapping, no region. */
void expect_nothing_left(void);

#define FAKE_DEVICE_FD 1000
#define FAKE_PARTITION_FD 1001
#define FAKE_VP_FD 1002

#endif
