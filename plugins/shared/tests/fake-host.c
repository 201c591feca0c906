/* SPDX-License-Identifier: Apache-2.0 */
/* Loading one plugin, laying out one guest, checking every status. */
#include "plugins/shared/tests/arch.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct sconce_plugin *plugin;
const struct sconce_plugin_ops *ops;
const struct sconce_ext_regs *regs;
struct sconce_plugin_error error;

static void no_log(void *ctx, uint32_t level, const char *key, const char *text)
{
    (void)ctx;
    (void)level;
    (void)key;
    (void)text;
}

static const void *no_service(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return NULL;
}

struct sconce_plugin_error *fresh_error(void)
{
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    return &error;
}

void assert_ok(int32_t status)
{
    if (status != SCONCE_PLUGIN_OK)
        fail_msg("status %d: %s", status, error.text);
}

bool fake_host_load(const char *path)
{
    static const struct sconce_plugin_host host = {
        .size = sizeof host,
        .abi_major = SCONCE_PLUGIN_ABI_MAJOR,
        .abi_minor = SCONCE_PLUGIN_ABI_MINOR,
        .log = no_log,
        .get_service = no_service,
    };
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    sconce_plugin_entry_fn entry;

    if (!object) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&entry = dlsym(object, SCONCE_PLUGIN_ENTRY_SYMBOL);
    plugin = entry(&host, fresh_error());
    ops = plugin->ops;
    regs = plugin->get_extension(SCONCE_EXT_REGS);
    return true;
}

/* $SCONCE_TEST_SET, "backend.NAME.KEY=VALUE", if it is of this one: for machines that want it. */
static void apply_test_setting(void)
{
    const char *setting = getenv("SCONCE_TEST_SET"),
               *equals = setting ? strchr(setting, '=') : NULL;
    char start[64], key[64];
    int length = snprintf(start, sizeof start, "backend.%s.", plugin->name);

    if (!equals || strncmp(setting, start, (size_t)length) != 0)
        return;
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting) - length, setting + length);
    assert_ok(ops->configure(key, equals + 1, fresh_error()));
}

static bool load(const char *path)
{
    struct sconce_probe probe = {.size = sizeof probe};

    if (!fake_host_load(path))
        return false;
    apply_test_setting();
    if (ops->probe(&probe, fresh_error()) != SCONCE_PLUGIN_OK) {
        fprintf(stderr, "skipped: %s (%s)\n", error.text, error.hint);
        return false;
    }
    printf("%s: %s\n", plugin->name, probe.description);
    return true;
}

int fake_host_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
        return 2;
    }
    if (!load(argv[1]))
        return 77;
    return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}

int fake_host_main_with(int argc, char **argv, const struct CMUnitTest *tests, size_t count,
                        const struct CMUnitTest *more, size_t more_count)
{
    struct CMUnitTest *all = calloc(count + more_count, sizeof *all);
    int status;

    if (!all)
        return 2;
    memcpy(all, tests, count * sizeof *all);
    memcpy(all + count, more, more_count * sizeof *all);
    status = fake_host_main(argc, argv, all, count + more_count);
    free(all);
    return status;
}

static int32_t map(struct fake_guest *guest, uint64_t gpa, uint64_t offset, uint32_t prot,
                   struct sconce_plugin_error *err)
{
    const struct sconce_memory memory = {
        .size = sizeof memory,
        .role = SCONCE_MEM_STATE,
        .bytes = GUEST_BYTES,
        .host_addr = guest->host,
        .handle_kind = SCONCE_HANDLE_LINUX_FD,
        .handle = (uint64_t)guest->memfd,
    };
    const struct sconce_mapping mapping = {
        .size = sizeof mapping,
        .prot = prot,
        .gpa = gpa,
        .bytes = SCONCE_MEM_GRANULE,
        .object_offset = offset,
    };

    return ops->mem_map(guest->vm, &memory, &mapping, err);
}

int32_t guest_map(struct fake_guest *guest, uint64_t gpa, uint64_t offset, uint32_t prot)
{
    return map(guest, gpa, offset, prot, fresh_error());
}

int32_t guest_make_vm(struct fake_guest *guest, struct sconce_plugin_error *err)
{
    static const struct {
        uint64_t gpa;
        uint32_t prot;
    } parts[] = {
        {DATA_GPA, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
        {CODE_GPA, SCONCE_PROT_READ | SCONCE_PROT_EXEC},
        {STACK_GPA, SCONCE_PROT_READ | SCONCE_PROT_WRITE},
    };
    const struct sconce_vm_config config = {
        .size = sizeof config,
        .gpa_min = SCONCE_GPA_MIN,
        .gpa_max = SCONCE_GPA_MAX,
        .reserved_bytes = SCONCE_GPA_RESERVED,
    };
    int32_t r;

    guest->vm = NULL;
    r = ops->vm_create(&config, &guest->vm, err);
    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < sizeof parts / sizeof parts[0]; i++)
        r = map(guest, parts[i].gpa, parts[i].gpa - CODE_GPA, parts[i].prot, err);
    return r == SCONCE_PLUGIN_OK ? guest_sync_code(guest, err) : r;
}

int32_t guest_sync_code(struct fake_guest *guest, struct sconce_plugin_error *err)
{
    int32_t status = SCONCE_PLUGIN_E_NOT_SUPPORTED;

    if (ops->mem_sync_code)
        status = ops->mem_sync_code(guest->vm, CODE_GPA, SCONCE_MEM_GRANULE, err);
    return status == SCONCE_PLUGIN_E_NOT_SUPPORTED ? SCONCE_PLUGIN_OK : status;
}

/* Running off the end is a fault. */
static void write_code(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    size_t bytes = (size_t)(guest_filler_end - guest_filler);

    assert_true((size_t)(end - code) <= SCONCE_MEM_GRANULE);
    for (size_t at = 0; at < SCONCE_MEM_GRANULE; at += bytes)
        memcpy(guest->host + at, guest_filler, bytes);
    memcpy(guest->host, code, (size_t)(end - code));
}

void guest_new(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    guest->memfd = memfd_create("guest", MFD_CLOEXEC);
    assert_true(guest->memfd >= 0 && ftruncate(guest->memfd, GUEST_BYTES) == 0);
    guest->host = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, guest->memfd, 0);
    assert_ptr_not_equal(guest->host, MAP_FAILED);
    write_code(guest, code, end);
    assert_ok(guest_make_vm(guest, fresh_error()));
}

void guest_load(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    write_code(guest, code, end);
    assert_ok(guest_sync_code(guest, fresh_error()));
}

uint64_t *guest_data(struct fake_guest *guest)
{
    return (uint64_t *)(void *)(guest->host + (DATA_GPA - CODE_GPA));
}

void guest_get(struct fake_guest *guest, uint32_t file, void *to, size_t bytes)
{
    assert_ok(regs->get(guest->vm, file, to, bytes, fresh_error()));
}

void guest_set(struct fake_guest *guest, uint32_t file, const void *from, size_t bytes)
{
    assert_ok(regs->set(guest->vm, file, from, bytes, fresh_error()));
}

void guest_enter(struct fake_guest *guest)
{
    const struct sconce_entry entry = {
        .size = sizeof entry,
        .pc = CODE_GPA,
        .sp = STACK_TOP,
        .tls = 0x123456789000,
        .args = {0x1111, 0x2222},
    };

    assert_ok(ops->vcpu_enter(guest->vm, &entry, fresh_error()));
}

void guest_run(struct fake_guest *guest, struct sconce_exit *ret_exit)
{
    memset(ret_exit, 0xa5, sizeof *ret_exit);
    ret_exit->size = sizeof *ret_exit;
    assert_ok(ops->vcpu_run(guest->vm, ret_exit, fresh_error()));
    if (ret_exit->kind == SCONCE_EXIT_FAIL)
        fail_msg("the backend failed: %s", ret_exit->u.fail.text);
}

void guest_expect_bell(struct fake_guest *guest, uint32_t number)
{
    struct sconce_exit exit;

    guest_run(guest, &exit);
    if (exit.kind == SCONCE_EXIT_FAULT)
        fail_msg("fault kind %u address 0x%llx pc 0x%llx detail 0x%llx", exit.u.fault.kind,
                 (unsigned long long)exit.u.fault.address, (unsigned long long)exit.u.fault.pc,
                 (unsigned long long)exit.u.fault.detail);
    assert_int_equal(exit.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(exit.u.doorbell.number, number);
}

void guest_reset(struct fake_guest *guest)
{
    assert_ok(ops->vcpu_reset(guest->vm, fresh_error()));
}

void guest_free(struct fake_guest *guest)
{
    ops->vm_destroy(guest->vm);
    munmap(guest->host, GUEST_BYTES);
    close(guest->memfd);
}

unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

unsigned count_maps(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    int c;

    assert_non_null(file);
    while ((c = fgetc(file)) != EOF)
        count += c == '\n';
    fclose(file);
    return count;
}
