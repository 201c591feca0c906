/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/process/steps.h"

#include <errno.h>
#include <stddef.h>

#include "plugins/shared/plugin-error.h"

#define ANY_ERROR 0

#define HINT_KERNEL                                                                                \
    "Linux 5.10 or later is needed; in a container, also a seccomp profile that knows its calls"
#define HINT_SECCOMP "Linux 5.10 or later is needed, built with CONFIG_SECCOMP_FILTER"
#define HINT_PROCESSES                                                                             \
    "raise it: ulimit -u for a user, TasksMax= for a service, pids.max for a container"
#define HINT_FILES "raise the limit of open files (ulimit -n), or keep fewer sandboxes"
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
    {SCONCE_STEP_LISTENER, EINVAL, "the kernel has no seccomp user notification", HINT_SECCOMP},
    {SCONCE_STEP_LISTENER, ENOSYS, "the kernel has no seccomp(2)", HINT_SECCOMP},
    {SCONCE_STEP_LISTENER, ANY_ERROR, "seccomp(2) is not allowed here", HINT_OUTSIDE},
    {SCONCE_STEP_FILTER, ANY_ERROR, "cannot close the guest's seccomp filters", NULL},
    {SCONCE_STEP_PIDFD, ENOSYS, "the kernel has no pidfd_open(2)", HINT_KERNEL},
    {SCONCE_STEP_PIDFD, ANY_ERROR, "cannot get a descriptor of this process (pidfd_open)",
     HINT_OUTSIDE},
    {SCONCE_STEP_SOCKET, ANY_ERROR, "cannot make a socket to the helper process", HINT_OUTSIDE},
    {SCONCE_STEP_MEMFD, ENOSYS, "the kernel has no memfd_create(2)", HINT_KERNEL},
    {SCONCE_STEP_MEMFD, ANY_ERROR, "cannot make a memory file (memfd_create)", HINT_OUTSIDE},
    {SCONCE_STEP_RECEIVE, ETIMEDOUT, "the helper process does not answer",
     "somebody has stopped it (sconce-zygote in ps); try again, and another takes its place"},
    {SCONCE_STEP_RECEIVE, ANY_ERROR, "cannot take over a guest's process", NULL},
    {SCONCE_STEP_PID_NAMESPACE, ANY_ERROR,
     "the next process of this one would be the init of a pid namespace (unshare)",
     "make the first sandbox before unshare(CLONE_NEWPID), or in a child of it"},
    {SCONCE_STEP_CLONE_ZYGOTE, EAGAIN,
     "cannot start a helper process: the limit of processes is reached", HINT_PROCESSES},
    {SCONCE_STEP_CLONE_ZYGOTE, ENOMEM,
     "cannot start a helper process, which begins as a copy of this one",
     "make the first sandbox earlier, while the program is small, or allow vm.overcommit_memory"},
    {SCONCE_STEP_CLONE_ZYGOTE, ANY_ERROR, "cannot start a helper process", HINT_OUTSIDE},
    {SCONCE_STEP_CLONE_CHILD, EAGAIN,
     "cannot start a guest's process: the limit of processes is reached", HINT_PROCESSES},
    {SCONCE_STEP_CLONE_CHILD, ANY_ERROR, "cannot start a guest's process", NULL},
    {SCONCE_STEP_PREPARE, ANY_ERROR, "cannot give up what the processor keeps for this process",
     "turn off its shadow stack (GLIBC_TUNABLES=glibc.cpu.x86_shstk=off; on aarch64 "
     "glibc.cpu.aarch64_gcs=0), or have no sandbox around it that forbids prctl"},
    {SCONCE_STEP_NO_NEW_PRIVS, ANY_ERROR, "cannot give up privileges", HINT_KERNEL},
    {SCONCE_STEP_CLOSE_FDS, ENOSYS, "the kernel has no close_range(2)", HINT_KERNEL},
    {SCONCE_STEP_CLOSE_FDS, ANY_ERROR, "cannot close descriptors", HINT_OUTSIDE},
    {SCONCE_STEP_RLIMIT, ANY_ERROR, "cannot lower resource limits", HINT_OUTSIDE},
    {SCONCE_STEP_WAIT, ANY_ERROR, "the helper process cannot wait for its host (ppoll)",
     HINT_OUTSIDE},
    {SCONCE_STEP_READY, ANY_ERROR, "the helper process ended before it was ready", HINT_OUTSIDE},
    {SCONCE_STEP_HOST_WAIT, ANY_ERROR, "this process cannot wait for its helper process (poll)",
     HINT_OUTSIDE},
    {SCONCE_STEP_SIGNAL, ANY_ERROR, "cannot signal the helper process (pidfd_send_signal)",
     HINT_OUTSIDE},
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

/* What the machine lacks at the moment is no reason to think that it lacks it for ever. */
static int32_t status_of(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ETIMEDOUT:
        return SCONCE_PLUGIN_E_SYSTEM;
    case ENOMEM:
        return SCONCE_PLUGIN_E_NO_MEMORY;
    default:
        return SCONCE_PLUGIN_E_UNAVAILABLE;
    }
}

static const char *hint_of(int error, const char *hint)
{
    if (error == EMFILE)
        return HINT_FILES;
    return error == ENFILE ? "raise fs.file-max, the system's limit of open files" : hint;
}

int32_t sconce_step_fail(struct sconce_plugin_error *err, uint32_t step, int error)
{
    for (size_t i = 0; i < sizeof obstacles / sizeof obstacles[0]; i++)
        if (obstacles[i].step == step &&
            (obstacles[i].error == ANY_ERROR || obstacles[i].error == error))
            return sconce_plugin_fail(err, status_of(error), SCONCE_DOMAIN_ERRNO, error,
                                      hint_of(error, obstacles[i].hint), "%s", obstacles[i].text);
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, error, NULL,
                              "cannot make a process for the guest (step %u)", step);
}
