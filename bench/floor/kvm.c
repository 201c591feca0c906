/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a KVM backend: /dev/kvm by hand. A VM with one vCPU in ring 3 of long mode rings a
 * doorbell, `out` to the one port that the TSS allows, and KVM_RUN returns. It has what a backend
 * cannot do without, and pays for: the memory slots, the CPUID entries, the MSR filter, registers
 * by the shared page.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "floor.h"
#include "kvm-memory.h"

#define MOST_CPUID 256u

struct kvm_floor {
    struct floor base;
    int device;
    size_t run_bytes;
    struct kvm_cpuid2 *cpuid;
    void *image; /* of all guests */
};

struct kvm_guest {
    struct floor_guest base;
    size_t run_bytes;
    int vm, vcpu, memfd;
    struct kvm_run *run;
    void *state;
    size_t state_bytes;
    void *own;
    struct kvm_sregs sregs;
    pthread_t thread; /* that started it, and runs it */
};

static int fail(struct floor_error *err, const char *what)
{
    *err = (struct floor_error){what, errno};
    return -1;
}

/* ---- The device ------------------------------------------------------------------------------ */

/* The signal says whose vCPU is to come back, so a kick that is early is not lost. */
static void on_kick(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    if (info->si_code == SI_QUEUE)
        ((struct kvm_run *)info->si_value.sival_ptr)->immediate_exit = 1;
}

/* The leaves that a guest gets of kvm-x86_64: features, caches, sizes. Not: performance counters,
 * topology, power, anything of hypervisors. */
static bool is_shown(unsigned leaf, unsigned subleaf)
{
    switch (leaf) {
    case 0x0:
    case 0x1:
    case 0x2:
    case 0x80000000u:
    case 0x80000001u:
    case 0x80000005u:
    case 0x80000006u:
    case 0x80000007u:
    case 0x80000008u:
        return true;
    case 0x4:
        return subleaf < 4;
    case 0x7:
        return subleaf < 2;
    case 0xd:
        return subleaf < 3 || (subleaf >= 5 && subleaf <= 7);
    default:
        return false;
    }
}

static int read_cpuid(struct kvm_floor *floor, struct floor_error *err)
{
    struct kvm_cpuid2 *list = calloc(1, sizeof *list + MOST_CPUID * sizeof *list->entries);
    unsigned kept = 0;

    floor->cpuid = list;
    if (!list)
        return fail(err, "making room for CPUID entries");
    list->nent = MOST_CPUID;
    if (ioctl(floor->device, KVM_GET_SUPPORTED_CPUID, list) < 0)
        return fail(err, "reading KVM's CPUID entries");
    for (unsigned i = 0; i < list->nent; i++)
        if (is_shown(list->entries[i].function, list->entries[i].index))
            list->entries[kept++] = list->entries[i];
    list->nent = kept;
    return 0;
}

static int make_image(struct kvm_floor *floor, struct floor_error *err)
{
    int fd = memfd_create("floor-image", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, FLOOR_IMAGE_BYTES) < 0)
        return fail(err, "making the image's memory");
    floor->image = mmap(NULL, FLOOR_IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (floor->image == MAP_FAILED)
        return fail(err, "mapping the image's memory");
    memset(floor->image, 0, FLOOR_IMAGE_BYTES);
    floor_kvm_write_code(floor->image);
    return 0;
}

static void close_device(struct floor *base)
{
    struct kvm_floor *floor = (struct kvm_floor *)base;

    if (floor->image != MAP_FAILED)
        munmap(floor->image, FLOOR_IMAGE_BYTES);
    free(floor->cpuid);
    if (floor->device >= 0)
        close(floor->device);
    free(floor);
}

static int open_device(const char *program, struct floor **ret_floor, struct floor_error *err)
{
    const struct sigaction action = {.sa_sigaction = on_kick, .sa_flags = SA_SIGINFO};
    struct kvm_floor *floor = calloc(1, sizeof *floor);
    int r = 0, run_bytes;

    (void)program;
    if (!floor)
        return fail(err, "making room for the floor");
    *floor = (struct kvm_floor){.base.ops = &floor_kvm, .image = MAP_FAILED};
    floor->device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (floor->device < 0)
        r = fail(err, "opening /dev/kvm");
    if (r == 0 && ioctl(floor->device, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS) <= 0)
        errno = ENOTSUP, r = fail(err, "asking KVM for registers in the shared page");
    run_bytes = r == 0 ? ioctl(floor->device, KVM_GET_VCPU_MMAP_SIZE, 0) : -1;
    if (r == 0 && run_bytes < (int)sizeof(struct kvm_run))
        r = fail(err, "asking for the size of a vCPU's shared page");
    floor->run_bytes = (size_t)run_bytes;
    if (r == 0)
        r = read_cpuid(floor, err);
    if (r == 0)
        r = make_image(floor, err);
    if (r < 0) {
        close_device(&floor->base);
        return -1;
    }
    sigaction(FLOOR_KICK_SIGNAL, &action, NULL);
    *ret_floor = &floor->base;
    return 0;
}

/* ---- A guest --------------------------------------------------------------------------------- */

static int make_vm(const struct kvm_floor *floor, struct kvm_guest *guest, struct floor_error *err)
{
    void *run;

    guest->run_bytes = floor->run_bytes;
    guest->vm = ioctl(floor->device, KVM_CREATE_VM, 0);
    if (guest->vm < 0)
        return fail(err, "creating a VM");
    guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
    if (guest->vcpu < 0)
        return fail(err, "creating a vCPU");
    run = mmap(NULL, guest->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
    if (run == MAP_FAILED)
        return fail(err, "mapping a vCPU's shared page");
    guest->run = run;
    return 0;
}

static int make_memory(const struct kvm_floor *floor, struct kvm_guest *guest,
                       struct floor_error *err)
{
    guest->state_bytes = FLOOR_STATE_BYTES + floor->base.more_bytes;
    guest->memfd = memfd_create("floor", MFD_CLOEXEC);
    if (guest->memfd < 0 || ftruncate(guest->memfd, (off_t)guest->state_bytes) < 0)
        return fail(err, "making a guest's memory");
    guest->state = mmap(NULL, guest->state_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_NORESERVE, guest->memfd, 0);
    guest->own =
        mmap(NULL, FLOOR_OWN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guest->state == MAP_FAILED || guest->own == MAP_FAILED)
        return fail(err, "mapping a guest's memory");
    floor_kvm_write_own(guest->own);
    return 0;
}

static int add_slot(const struct kvm_guest *guest, unsigned number, unsigned flags,
                    unsigned long gpa, unsigned long bytes, void *host, struct floor_error *err)
{
    const struct kvm_userspace_memory_region region = {.slot = number,
                                                       .flags = flags,
                                                       .guest_phys_addr = gpa,
                                                       .memory_size = bytes,
                                                       .userspace_addr = (uintptr_t)host};

    if (ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return fail(err, "giving a VM its memory");
    return 0;
}

static int add_slots(const struct kvm_floor *floor, const struct kvm_guest *guest,
                     struct floor_error *err)
{
    if (add_slot(guest, 0, KVM_MEM_READONLY, FLOOR_IMAGE_GPA, FLOOR_IMAGE_BYTES, floor->image,
                 err) < 0 ||
        add_slot(guest, 1, 0, FLOOR_STATE_GPA, guest->state_bytes, guest->state, err) < 0)
        return -1;
    return add_slot(guest, 2, 0, FLOOR_OWN_GPA, FLOOR_OWN_BYTES, guest->own, err);
}

/* What the guest may see and ask for. */
static int set_features(const struct kvm_floor *floor, const struct kvm_guest *guest,
                        struct floor_error *err)
{
    uint64_t denied = 0;
    const struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_DENY,
        .ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
                    .nmsrs = 8,
                    .bitmap = (__u8 *)&denied}}, /* a default needs one range */
    };

    if (ioctl(guest->vm, KVM_X86_SET_MSR_FILTER, &filter) < 0)
        return fail(err, "denying MSRs to a guest");
    if (ioctl(guest->vcpu, KVM_SET_CPUID2, floor->cpuid) < 0)
        return fail(err, "setting a guest's CPUID entries");
    return 0;
}

/* With the next KVM_RUN. */
static struct kvm_regs *set_start(struct kvm_guest *guest, bool touch)
{
    struct kvm_regs *regs = &guest->run->s.regs.regs;

    floor_kvm_set_start(regs);
    if (!touch)
        regs->rcx = regs->rdx = 0;
    guest->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    return regs;
}

static void set_all_registers(struct kvm_guest *guest)
{
    struct kvm_sync_regs *sync = &guest->run->s.regs;

    sync->sregs = guest->sregs;
    memset(&sync->events, 0, sizeof sync->events);
    sync->events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    guest->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
}

static int turn(struct floor_guest *base, struct floor_error *err)
{
    struct kvm_guest *guest = (struct kvm_guest *)base;
    const struct kvm_run *run = guest->run;
    int r;

    do
        r = ioctl(guest->vcpu, KVM_RUN, 0);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return fail(err, "running a vCPU");
    if (run->exit_reason != KVM_EXIT_IO || run->io.port != FLOOR_PORT) {
        errno = EPROTO;
        return fail(err, "checking that a vCPU rang its doorbell");
    }
    base->exits++;
    return 0;
}

static void stop(struct floor_guest *base)
{
    struct kvm_guest *guest = (struct kvm_guest *)base;

    if (guest->run)
        munmap(guest->run, guest->run_bytes);
    if (guest->vcpu >= 0)
        close(guest->vcpu);
    if (guest->vm >= 0)
        close(guest->vm);
    if (guest->own != MAP_FAILED)
        munmap(guest->own, FLOOR_OWN_BYTES);
    if (guest->state != MAP_FAILED)
        munmap(guest->state, guest->state_bytes);
    if (guest->memfd >= 0)
        close(guest->memfd);
    free(guest);
}

static int set_up(const struct kvm_floor *floor, struct kvm_guest *guest, bool bare,
                  struct floor_error *err)
{
    if (make_vm(floor, guest, err) < 0 || make_memory(floor, guest, err) < 0)
        return -1;
    if (!bare) {
        if (set_features(floor, guest, err) < 0)
            return -1;
        floor_kvm_touch(guest->state);
    }
    if (add_slots(floor, guest, err) < 0)
        return -1;
    if (ioctl(guest->vcpu, KVM_GET_SREGS, &guest->sregs) < 0)
        return fail(err, "reading a new vCPU's registers");
    floor_kvm_enter_ring3(&guest->sregs);
    set_all_registers(guest);
    set_start(guest, !bare);
    guest->base.memory = guest->state;
    return turn(&guest->base, err);
}

static int start(struct floor *base, bool bare, struct floor_guest **ret_guest,
                 struct floor_error *err)
{
    struct kvm_guest *guest = calloc(1, sizeof *guest);

    if (!guest)
        return fail(err, "making room for a guest");
    guest->base.ops = &floor_kvm;
    guest->thread = pthread_self();
    guest->vm = guest->vcpu = guest->memfd = -1;
    guest->state = guest->own = MAP_FAILED;
    if (set_up((const struct kvm_floor *)base, guest, bare, err) < 0) {
        stop(&guest->base);
        return -1;
    }
    *ret_guest = &guest->base;
    return 0;
}

/* FCW and MXCSR. No component is in it, so all of them become as new. */
static const struct kvm_xsave new_xsave = {.region = {[0] = 0x37f, [6] = 0x1f80}};

static int scrub(struct floor_guest *base, struct floor_error *err)
{
    struct kvm_guest *guest = (struct kvm_guest *)base;

    if (ioctl(guest->vcpu, KVM_SET_XSAVE, &new_xsave) < 0)
        return fail(err, "setting a vCPU's floating-point registers");
    set_all_registers(guest);
    set_start(guest, false);
    return 0;
}

static int spin(struct floor_guest *base, struct floor_error *err)
{
    struct kvm_guest *guest = (struct kvm_guest *)base;
    int r;

    set_start(guest, false)->rip = floor_kvm_spin_address();
    do
        r = ioctl(guest->vcpu, KVM_RUN, 0);
    while (r < 0 && errno == EINTR && !guest->run->immediate_exit);
    if (r == 0 || errno != EINTR)
        return fail(err, "running a vCPU until it is kicked");
    guest->run->immediate_exit = 0;
    base->exits++;
    return 0;
}

static int answer(struct floor_guest *base, struct floor_error *err)
{
    struct kvm_guest *guest = (struct kvm_guest *)base;
    struct kvm_regs *regs = set_start(guest, false);

    regs->rip = floor_kvm_answer_address();
    regs->rdi = FLOOR_STATE_GPA + FLOOR_WORD_AT;
    return turn(base, err);
}

static void kick(struct floor_guest *base)
{
    const struct kvm_guest *guest = (const struct kvm_guest *)base;

    pthread_sigqueue(guest->thread, FLOOR_KICK_SIGNAL, (union sigval){.sival_ptr = guest->run});
}

const struct floor_ops floor_kvm = {
    .open = open_device,
    .close = close_device,
    .start = start,
    .stop = stop,
    .turn = turn,
    .scrub = scrub,
    .spin = spin,
    .kick = kick,
    .answer = answer,
};
