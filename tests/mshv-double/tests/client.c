/* SPDX-License-Identifier: Apache-2.0 */
/* Setting up one machine, running it, and asking for registers. */
#include "client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Entries of the guest's page tables: present, writable, user, accessed, dirty, large. */
#define TABLE 0x27ull
#define LEAF 0xe7ull

#define KVM_CREATE_VM 0xae01ul

uint64_t field(const struct message *m, size_t offset, size_t bytes)
{
    uint64_t value = 0;

    memcpy(&value, m->bytes + offset, bytes);
    return value;
}

int client_open(void)
{
    int fd = open("/dev/mshv", O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

int client_partition(int dev)
{
    const struct creation args = {0};
    int fd = ioctl(dev, CREATE_PARTITION, &args);

    assert_true(fd >= 0);
    return fd;
}

int client_map(int pt, const void *host, uint64_t bytes, uint64_t gpa, uint8_t flags)
{
    const struct memory args = {
        .bytes = bytes, .page = gpa >> 12, .host = (uint64_t)host, .flags = flags};

    return ioctl(pt, SET_MEMORY, &args);
}

void *client_memory(uint64_t bytes, int *ret_file)
{
    int file = memfd_create("guest", MFD_CLOEXEC);
    void *memory;

    assert_int_equal(ftruncate(file, (off_t)bytes), 0);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    *ret_file = file;
    return memory;
}

unsigned client_descriptors(int below)
{
    unsigned found = 0;

    for (int fd = 0; fd < below; fd++)
        found += fcntl(fd, F_GETFD) >= 0;
    return found;
}

static void build_tables(uint8_t *ram)
{
    uint64_t *root = (uint64_t *)(void *)(ram + TABLES);

    root[0] = (TABLES + 0x1000) | TABLE;
    root[512] = (TABLES + 0x2000) | TABLE;
    for (uint64_t i = 0; i < 512; i++)
        root[1024 + i] = i << 21 | LEAF;
}

static struct value segment(uint32_t selector, uint32_t attributes)
{
    return (struct value){0, 0xffffffffull | (uint64_t)selector << 32 | (uint64_t)attributes << 48};
}

static void start_long_mode(struct machine *m)
{
    const struct value code = segment(0x10, 0xa09b), data = segment(0x18, 0xc093);
    const struct {
        uint32_t name;
        struct value value;
    } regs[] = {
        {CR0, {0x80050033, 0}},
        {CR3, {TABLES, 0}},
        {CR4, {0x620, 0}},
        {EFER, {0xd00, 0}},
        {CS, code},
        {SS, data},
        {DS, data},
        {ES, data},
        {RIP, {CODE_AT, 0}},
        {RSP, {STACK_AT, 0}},
        {RFLAGS, {2, 0}},
    };

    for (size_t i = 0; i < sizeof regs / sizeof regs[0]; i++)
        client_set_wide(m, regs[i].name, regs[i].value);
}

void machine_place(struct machine *m, uint32_t gpa, const void *code, size_t bytes)
{
    memcpy(m->ram + gpa, code, bytes);
}

void machine_new(struct machine *m, const void *code, size_t bytes)
{
    const uint32_t index = 0;

    memset(m, 0, sizeof *m);
    m->dev = client_open();
    m->pt = client_partition(m->dev);
    assert_int_equal(ioctl(m->pt, INITIALIZE), 0);
    m->vp = ioctl(m->pt, CREATE_VP, &index);
    assert_true(m->vp >= 0);
    m->ram = client_memory(RAM_BYTES + 0x1000, &m->file);
    m->fixed = m->ram + RAM_BYTES;
    build_tables(m->ram);
    machine_place(m, CODE_AT, code, bytes);
    assert_int_equal(client_map(m->pt, m->ram, RAM_BYTES, 0, WRITABLE | EXECUTABLE), 0);
    assert_int_equal(client_map(m->pt, m->fixed, 0x1000, READ_ONLY_AT, EXECUTABLE), 0);
    start_long_mode(m);
}

void machine_free(struct machine *m)
{
    close(m->vp);
    close(m->pt);
    close(m->dev);
    munmap(m->ram, RAM_BYTES + 0x1000);
    close(m->file);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

uint32_t client_run(struct machine *m)
{
    return ioctl(m->vp, RUN_VP, &m->message) == 0 ? TYPE(&m->message) : 0;
}

int client_call(int fd, struct call *call)
{
    return ioctl(fd, ROOT_HVCALL, call);
}

struct value client_get_wide(struct machine *m, uint32_t name)
{
    struct {
        uint64_t partition;
        uint32_t vp, vtl, name;
    } in = {.name = name};
    struct value out = {0, 0};
    struct call call = {0x50, 1, 20, sizeof out, .in = &in, .out = &out};

    assert_int_equal(client_call(m->vp, &call), 0);
    assert_int_equal(call.reps, 1);
    return out;
}

uint64_t client_get(struct machine *m, uint32_t name)
{
    return client_get_wide(m, name).low;
}

void client_set_wide(struct machine *m, uint32_t name, struct value value)
{
    struct {
        uint64_t partition;
        uint32_t vp, vtl;
        struct pair pair;
    } in = {.pair = {.name = name, .value = value}};
    struct call call = {0x51, 1, sizeof in, 0, .in = &in};

    assert_int_equal(client_call(m->vp, &call), 0);
    assert_int_equal(call.reps, 1);
}

void client_set(struct machine *m, uint32_t name, uint64_t value)
{
    client_set_wide(m, name, (struct value){value, 0});
}

int client_set_property(int pt, uint32_t code, uint64_t value, uint16_t *ret_status)
{
    const struct {
        uint64_t partition;
        uint32_t code, zero;
        uint64_t value;
    } in = {0, code, 0, value};
    struct call call = {0x45, 0, sizeof in, 0, .in = &in};
    int r = client_call(pt, &call);

    if (ret_status)
        *ret_status = call.status;
    return r;
}

int client_get_property(int fd, uint32_t code, uint64_t *ret_value, uint16_t *ret_status)
{
    const struct {
        uint64_t partition;
        uint32_t code, zero;
    } in = {0, code, 0};
    struct call call = {0x44, 0, sizeof in, 8, .in = &in, .out = ret_value};
    int r = client_call(fd, &call);

    if (ret_status)
        *ret_status = call.status;
    return r;
}

void client_cpuid(struct machine *m, uint32_t leaf, uint32_t subleaf, uint32_t values[4])
{
    const struct {
        uint64_t partition;
        uint32_t vp, flags;
        uint64_t zero;
        uint32_t eax, ecx;
        uint64_t xfem, xss;
    } in = {.flags = 3, .eax = leaf, .ecx = subleaf}; /* by the VP's XFEM, with overrides */
    struct call call = {0xf4, 1, sizeof in, 16, .in = &in, .out = values};

    assert_int_equal(client_call(m->pt, &call), 0);
}

void client_skip(struct machine *m)
{
    client_set(m, RIP, MESSAGE_RIP(&m->message) + INSN_LENGTH(&m->message));
}

int client_check(void)
{
    const struct creation args = {0};
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, fd, pt;

    vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) {
        fprintf(stderr, "skipped: /dev/kvm makes no virtual machine: %s\n", strerror(errno));
        return 77;
    }
    close(vm);
    close(kvm);
    fd = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    pt = fd < 0 ? -1 : ioctl(fd, CREATE_PARTITION, &args);
    if (pt < 0) {
        fprintf(stderr, "nobody serves /dev/mshv: %s\n", strerror(errno));
        return 1;
    }
    close(pt);
    close(fd);
    return 0;
}

int client_main(const struct CMUnitTest *tests, size_t count)
{
    int r = client_check();

    return r ? r : _cmocka_run_group_tests("mshv-double", tests, count, NULL, NULL);
}
