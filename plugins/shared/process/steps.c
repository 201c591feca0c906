/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/process/steps.h"

#include <errno.h>
#include <stddef.h>

#include "plugins/shared/plugin-error.h"

#define ANY_ERROR 0

#define HINT_KERNEL "a kernel of version 5.10 or later is needed, with CONFIG_SECCOMP_FILTER"
#define HINT_OUTSIDE                                                                               \
    "run it outside of that container or sandbox, or choose a backend with a hypervisor"

/* What an errno means at a step; the first that fits. ANY_ERROR fits all. */
static const struct {
    uint32_t step;
    int error;
    const char *text;
    const char *hint;
} obstacles[] = {
    {SCONCE_STEP_LISTENER, EBUSY,
     "this process is under a seccomp filter that has a listener, and Linux allows one",
     HINT_OUTSIDE},
    {SCONCE_STEP_LISTENER, EINVAL, "the kernel has no seccomp user notification", HINT_KERNEL},
    {SCONCE_STEP_LISTENER, ANY_ERROR, "seccomp(2) is not allowed here", HINT_OUTSIDE},
    {SCONCE_STEP_FILTER, ANY_ERROR, "cannot close the guest's seccomp filters", NULL},
    {SCONCE_STEP_CLONE_ZYGOTE, EAGAIN, "cannot start a helper process",
     "raise the limit of processes (ulimit -u)"},
    {SCONCE_STEP_CLONE_ZYGOTE, ENOMEM,
     "cannot start a helper process, which begins as a copy of this one",
     "make the first sandbox earlier, while the program is small, or allow vm.overcommit_memory"},
    {SCONCE_STEP_CLONE_ZYGOTE, ANY_ERROR, "cannot start a helper process", HINT_OUTSIDE},
    {SCONCE_STEP_CLONE_CHILD, EAGAIN, "cannot start a guest's process",
     "raise the limit of processes (ulimit -u), or of the service's tasks"},
    {SCONCE_STEP_CLONE_CHILD, ANY_ERROR, "cannot start a guest's process", NULL},
    {SCONCE_STEP_PREPARE, ANY_ERROR, "cannot give up what the processor keeps for this process",
     "turn off its shadow stack (GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)"},
    {SCONCE_STEP_NO_NEW_PRIVS, ANY_ERROR, "cannot give up privileges", HINT_KERNEL},
    {SCONCE_STEP_CLOSE_FDS, ENOSYS, "the kernel has no close_range(2)", HINT_KERNEL},
    {SCONCE_STEP_CLOSE_FDS, ANY_ERROR, "cannot close descriptors", HINT_OUTSIDE},
    {SCONCE_STEP_RLIMIT, ANY_ERROR, "cannot lower resource limits", HINT_OUTSIDE},
    {SCONCE_STEP_UNMAP, EPERM, "cannot empty an address space: the kernel seals its own mappings",
     "a kernel without CONFIG_MSEAL_SYSTEM_MAPPINGS is needed"},
    {SCONCE_STEP_UNMAP, ANY_ERROR, "cannot empty an address space", NULL},
    {SCONCE_STEP_REQUEST, ANY_ERROR, "the helper process does not understand its host", NULL},
    {SCONCE_STEP_PARENT_DEATH, ANY_ERROR, "cannot tie a guest's life to its host's", HINT_OUTSIDE},
    {SCONCE_STEP_MAP_STUB, ANY_ERROR, "cannot map the stub into the guest's process", NULL},
    {SCONCE_STEP_MAP_CONTROL, ANY_ERROR, "cannot map the control area into the guest's process",
     NULL},
    {SCONCE_STEP_MAP_GUEST, EACCES, "cannot map the guest's memory into its process",
     "executable shared memory must be allowed (SELinux, noexec)"},
    {SCONCE_STEP_MAP_GUEST, EPERM, "cannot map the guest's memory into its process",
     "executable shared memory must be allowed (SELinux, noexec)"},
    {SCONCE_STEP_MAP_GUEST, ANY_ERROR, "cannot map the guest's memory into its process", NULL},
    {SCONCE_STEP_SEND_LISTENER, ANY_ERROR, "cannot hand over the guest's notifications", NULL},
    {SCONCE_STEP_SIGNALS, ANY_ERROR, "cannot prepare the guest's signals", NULL},
};

int32_t sconce_step_fail(struct sconce_plugin_error *err, uint32_t step, int error)
{
    for (size_t i = 0; i < sizeof obstacles / sizeof obstacles[0]; i++)
        if (obstacles[i].step == step &&
            (obstacles[i].error == ANY_ERROR || obstacles[i].error == error))
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, error,
                                      obstacles[i].hint, "%s", obstacles[i].text);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, error, NULL,
                              "cannot make a process for the guest (step %u)", step);
}
