/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "plugins/shared/plugin-error.h"
#include "sconce-guest-abi.h"

int32_t sconce_trial_init(struct sconce_trial *trial, const void *code, size_t bytes,
                          struct sconce_plugin_error *err)
{
    void *memory =
        mmap(NULL, SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot allocate memory for a trial guest");
    memcpy(memory, code, bytes);
    *trial = (struct sconce_trial){
        .config = {.size = sizeof trial->config,
                   .gpa_min = SCONCE_GPA_MIN,
                   .gpa_max = SCONCE_GPA_MAX,
                   .reserved_bytes = SCONCE_GPA_RESERVED},
        .memory = {.size = sizeof trial->memory,
                   .role = SCONCE_MEM_IMAGE,
                   .bytes = SCONCE_MEM_GRANULE,
                   .host_addr = memory,
                   .handle_kind = SCONCE_HANDLE_NONE},
        .mapping = {.size = sizeof trial->mapping,
                    .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC,
                    .gpa = SCONCE_GPA_MIN,
                    .bytes = SCONCE_MEM_GRANULE},
        .entry = {.size = sizeof trial->entry, .pc = SCONCE_GPA_MIN},
    };
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_trial_failed(const struct sconce_exit *exit, const char *mechanism, const char *what,
                            struct sconce_plugin_error *err)
{
    char hint[sizeof err->hint];
    char how[sizeof exit->u.fail.text + 16] = "";

    snprintf(hint, sizeof hint,
             "this %s does something that is not known here: please report it, with kernel, "
             "processor and this message",
             mechanism);
    if (exit->kind == SCONCE_EXIT_FAULT)
        snprintf(how, sizeof how, ", fault 0x%" PRIx64, exit->u.fault.detail);
    else if (exit->kind == SCONCE_EXIT_FAIL)
        snprintf(how, sizeof how, ", %s", exit->u.fail.text);
    else if (exit->kind == SCONCE_EXIT_CANCELLED)
        snprintf(how, sizeof how, ", its time was over");
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_PLUGIN, exit->kind,
                              hint, "%s (exit %" PRIu32 "%s)", what, exit->kind, how);
}

void sconce_trial_fini(struct sconce_trial *trial)
{
    if (trial->memory.host_addr)
        munmap(trial->memory.host_addr, SCONCE_MEM_GRANULE);
    trial->memory.host_addr = NULL;
}
