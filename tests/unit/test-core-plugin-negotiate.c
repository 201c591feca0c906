/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/plugin-negotiate.c and plugin-ops.c: size by size, callback by callback. That each refusal
 * has a text of its own: tests/plugins/test-plugin-load.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plugin-negotiate.h"
#include "tests/plugins/parts.h"

/* A descriptor and its note, right but for what a test changes; each struct has room behind it, for
 * a later minor's members. */
struct fixture {
    struct {
        struct sconce_plugin plugin;
        void *later[4];
    } descriptor;
    struct {
        struct sconce_plugin_ops ops;
        void *later[4];
    } table;
    struct sconce_plugin_facts facts;
    struct sconce_backend backend;
    struct sconce_ext_lifecycle lifecycle;
    struct sconce_error err;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    f->table.ops = (struct sconce_plugin_ops){PART_OPS};
    f->descriptor.plugin = (struct sconce_plugin){.magic = SCONCE_PLUGIN_MAGIC,
                                                  .size = sizeof(struct sconce_plugin),
                                                  .abi_major = SCONCE_PLUGIN_ABI_MAJOR,
                                                  .abi_minor = SCONCE_PLUGIN_ABI_MINOR,
                                                  .thread_model = SCONCE_THREADS_PER_VM,
                                                  .name = "n",
                                                  .version = "v",
                                                  .arch = "a",
                                                  .mechanism = "m",
                                                  .isolation = "none",
                                                  .ops = &f->table.ops};
    f->facts = (struct sconce_plugin_facts){.abi_major = SCONCE_PLUGIN_ABI_MAJOR,
                                            .abi_minor = SCONCE_PLUGIN_ABI_MINOR,
                                            .name = "n",
                                            .version = "v",
                                            .arch = "a",
                                            .mechanism = "m",
                                            .isolation = "none",
                                            .status = "double",
                                            .requires_ = ""};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    sconce_plugin_negotiate_clear(&f->backend);
    free(f);
    return 0;
}

static int negotiate(struct fixture *f)
{
    memset(&f->err, 0, sizeof f->err);
    sconce_plugin_negotiate_clear(&f->backend);
    return sconce_plugin_negotiate(&f->descriptor.plugin, &f->facts, &f->backend, &f->lifecycle,
                                   &f->err);
}

static void test_negotiate_copies_and_never_reads_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(negotiate(f), 0);
    memset(&f->descriptor, 0xff, sizeof f->descriptor);
    memset(&f->table, 0xff, sizeof f->table);

    assert_string_equal(f->backend.name, "n");
    assert_string_equal(f->backend.isolation, "none");
    assert_string_equal(f->backend.status, "double");
    assert_ptr_equal(f->backend.ops.probe, part_probe);
    assert_int_equal(f->backend.ops.size, sizeof f->backend.ops);
    assert_false(f->backend.probed);
    assert_int_equal(f->backend.arch.size, 0);
    assert_int_equal(f->backend.regs.size, 0);
    assert_int_equal(f->lifecycle.size, 0);
}

/* Each callback of 1.0, required or not: absent, the plugin is refused by that name, or something
 * answers in its place. Once a minor has appended one, and the core calls it, END is behind it. */
#define END (offsetof(struct sconce_plugin_ops, vcpu_kick_local) + sizeof(void *))

static void test_negotiate_no_callback_is_ever_null(void **state)
{
    struct fixture *f = *state;
    const struct sconce_plugin_ops whole = f->table.ops;
    size_t at, refused = 0;

    for (at = offsetof(struct sconce_plugin_ops, configure); at < END; at += sizeof(void *)) {
        void *op = NULL;

        f->table.ops = whole;
        memcpy((char *)&f->table.ops + at, &op, sizeof op);
        if (negotiate(f) < 0) {
            assert_memory_equal(f->err.text, "it lacks the required operation ", 32);
            refused++;
            continue;
        }
        memcpy(&op, (char *)&f->backend.ops + at, sizeof op);
        assert_non_null(op);
    }
    assert_int_equal(refused, 10);
}

static void test_negotiate_older_smaller_descriptor_is_taken(void **state)
{
    struct fixture *f = *state;

    /* What lies behind the size is not the descriptor's. */
    f->descriptor.plugin.size = offsetof(struct sconce_plugin, get_extension);
    f->descriptor.plugin.reserved0 = UINT64_MAX;
    memset(&f->descriptor.plugin.get_extension, 0xff, sizeof(void *));

    assert_int_equal(negotiate(f), 0);
}

static void test_negotiate_newer_larger_structs_are_cut(void **state)
{
    struct fixture *f = *state;

    f->descriptor.plugin.size = sizeof f->descriptor;
    f->descriptor.plugin.abi_minor = SCONCE_PLUGIN_ABI_MINOR + 7;
    f->facts.abi_minor = SCONCE_PLUGIN_ABI_MINOR + 7;
    f->table.ops.size = sizeof f->table;
    memset(f->descriptor.later, 0xff, sizeof f->descriptor.later);
    memset(f->table.later, 0xff, sizeof f->table.later);

    assert_int_equal(negotiate(f), 0);
    assert_ptr_equal(f->backend.ops.vcpu_kick_local, part_vcpu_kick_local);
}

static void test_negotiate_older_smaller_ops_lack_what_is_behind_them(void **state)
{
    struct fixture *f = *state;

    f->table.ops.size = offsetof(struct sconce_plugin_ops, vcpu_kick_local);

    assert_int_equal(negotiate(f), SCONCE_E_NO_BACKEND);
    assert_string_equal(f->err.text, "it lacks the required operation vcpu_kick_local");
}

static void test_negotiate_odd_sizes_are_refused(void **state)
{
    struct fixture *f = *state;

    f->table.ops.size = END - 1;
    assert_int_equal(negotiate(f), SCONCE_E_NO_BACKEND);
    assert_string_equal(f->err.text, "its table of operations says that it has 119 bytes");
}

static void test_negotiate_text_without_end_is_refused(void **state)
{
    struct fixture *f = *state;
    static char text[4096];

    memset(text, 'x', sizeof text - 1);
    f->descriptor.plugin.version = text;

    assert_int_equal(negotiate(f), SCONCE_E_NO_BACKEND);
    assert_string_equal(f->err.text, "its descriptor's version is longer than 127 bytes");
}

/* ---- Settings -------------------------------------------------------------------------------- */

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    (void)key;
    (void)value;
    (void)err;
    return SCONCE_PLUGIN_OK;
}

static void test_negotiate_settings_are_copied_deep(void **state)
{
    struct fixture *f = *state;
    char key[] = "key", value[] = "value", help[] = "help";
    struct sconce_plugin_setting settings[] = {{key, value, help}, {"bare", NULL, NULL}};

    f->table.ops.settings = settings;
    f->table.ops.setting_count = 2;
    f->table.ops.configure = configure;
    assert_int_equal(negotiate(f), 0);
    key[0] = value[0] = help[0] = '!';
    memset(settings, 0xff, sizeof settings);

    assert_string_equal(f->backend.ops.settings[0].key, "key");
    assert_string_equal(f->backend.ops.settings[0].default_value, "value");
    assert_string_equal(f->backend.ops.settings[0].help, "help");
    assert_null(f->backend.ops.settings[1].default_value);
    assert_string_equal(f->backend.ops.settings[1].help, "");
}

static void test_negotiate_settings_have_a_limit(void **state)
{
    struct fixture *f = *state;
    static const struct sconce_plugin_setting settings[] = {{"key", NULL, NULL}};

    f->table.ops.settings = settings;
    f->table.ops.setting_count = 257;
    f->table.ops.configure = configure;

    assert_int_equal(negotiate(f), SCONCE_E_NO_BACKEND);
    assert_string_equal(f->err.text, "it publishes 257 settings, which is too many");
}

/* ---- Extensions ------------------------------------------------------------------------------ */

static struct {
    struct sconce_ext_arch ext;
    void *later[2];
} arch;
static struct sconce_ext_regs regs;
static struct sconce_ext_fault faults;
static struct sconce_ext_dirty dirty;
static struct sconce_ext_lifecycle lifecycle;

static const void *get_extension(const char *id)
{
    if (!strcmp(id, SCONCE_EXT_ARCH) && arch.ext.size)
        return &arch;
    if (!strcmp(id, SCONCE_EXT_REGS) && regs.size)
        return &regs;
    if (!strcmp(id, SCONCE_EXT_DIRTY) && dirty.size)
        return &dirty;
    if (!strcmp(id, SCONCE_EXT_FAULT) && faults.size)
        return &faults;
    return !strcmp(id, SCONCE_EXT_LIFECYCLE) && lifecycle.size ? &lifecycle : NULL;
}

static const char *syscall_name(uint64_t raw_nr)
{
    (void)raw_nr;
    return NULL;
}

static void describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    (void)fault;
    memset(buf, 0, (size_t)bytes);
}

static int32_t regs_get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    (void)file;
    (void)buf;
    (void)bytes;
    return part_vcpu_reset(vm, err);
}

static int32_t regs_set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    (void)file;
    (void)buf;
    (void)bytes;
    return part_vcpu_reset(vm, err);
}

static void release(void)
{
}

static int32_t dirty_collect(struct sconce_plugin_vm *vm,
                             void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                             struct sconce_plugin_error *err)
{
    (void)vm;
    (void)wrote;
    (void)ctx;
    (void)err;
    return SCONCE_PLUGIN_OK;
}

static void give_extensions(struct fixture *f)
{
    f->descriptor.plugin.get_extension = get_extension;
    f->facts.machine = 62;
    arch.ext = (struct sconce_ext_arch){.size = sizeof arch.ext,
                                        .elf_machine = 62,
                                        .page_bytes = 4096,
                                        .name = "a",
                                        .syscall_name = syscall_name,
                                        .describe_fault = describe_fault};
    regs = (struct sconce_ext_regs){.size = sizeof regs, .get = regs_get, .set = regs_set};
    faults = (struct sconce_ext_fault){.size = sizeof faults,
                                       .regs_bytes = 80,
                                       .pc_at = 72,
                                       .sp_at = 64,
                                       .argument_at = 0,
                                       .flags_at = 8,
                                       .stack_skew = 8,
                                       .resume = part_vcpu_reset};
    lifecycle = (struct sconce_ext_lifecycle){.size = sizeof lifecycle, .release = release};
    dirty = (struct sconce_ext_dirty){
        .size = sizeof dirty, .begin = part_vcpu_reset, .collect = dirty_collect};
}

static void test_negotiate_extensions_are_copied(void **state)
{
    struct fixture *f = *state;

    give_extensions(f);
    arch.ext.size = sizeof arch; /* a later minor's */
    memset(arch.later, 0xff, sizeof arch.later);
    assert_int_equal(negotiate(f), 0);

    assert_int_equal(f->backend.machine, 62);
    assert_int_equal(f->backend.arch.size, sizeof arch.ext);
    assert_int_equal(f->backend.arch.page_bytes, 4096);
    assert_ptr_equal(f->backend.regs.set, regs_set);
    assert_ptr_equal(f->backend.fault.resume, part_vcpu_reset);
    assert_ptr_equal(f->backend.dirty.collect, dirty_collect);
    assert_ptr_equal(f->lifecycle.release, release);
}

static void refuses(struct fixture *f, const char *why)
{
    assert_int_equal(negotiate(f), SCONCE_E_NO_BACKEND);
    assert_string_equal(f->err.text, why);
    give_extensions(f);
}

static void test_negotiate_broken_extensions_are_refused(void **state)
{
    struct fixture *f = *state;

    give_extensions(f);
    arch.ext.size = 12;
    refuses(f, "its sconce.arch/1 says that it has 12 bytes");
    arch.ext.name = NULL;
    refuses(f, "its sconce.arch/1 lacks a name");
    arch.ext.syscall_name = NULL;
    refuses(f, "its sconce.arch/1 lacks syscall_name");
    arch.ext.describe_fault = NULL;
    refuses(f, "its sconce.arch/1 lacks describe_fault");
    arch.ext.page_bytes = 0;
    refuses(f, "its sconce.arch/1 says that pages have 0 bytes");
    arch.ext.page_bytes = 4095;
    refuses(f, "its sconce.arch/1 says that pages have 4095 bytes");
    arch.ext.page_bytes = 131072;
    refuses(f, "its sconce.arch/1 says that pages have 131072 bytes");
    arch.ext.elf_machine = 183;
    refuses(f, "its sconce.arch/1 is for ELF machine 183, its note says 62");
    regs.reserved0 = 1;
    refuses(f, "a reserved field of its sconce.regs/1 is not 0");
    regs.get = NULL;
    refuses(f, "its sconce.regs/1 lacks get");
    regs.set = NULL;
    refuses(f, "its sconce.regs/1 lacks set");
    faults.size = 40;
    refuses(f, "its sconce.fault/1 says that it has 40 bytes");
    faults.reserved0 = 1;
    refuses(f, "a reserved field of its sconce.fault/1 is not 0");
    faults.resume = NULL;
    refuses(f, "its sconce.fault/1 lacks resume");
    regs.size = 0;
    refuses(f, "its sconce.fault/1 comes without sconce.regs/1");
    faults.regs_bytes = 72;
    refuses(f, "its sconce.fault/1 has registers outside their file of 72 bytes");
    faults.sp_at = 63;
    refuses(f, "its sconce.fault/1 has registers outside their file of 80 bytes");
    faults.regs_bytes = SCONCE_FAULT_REGS_MOST + 8;
    refuses(f, "its sconce.fault/1 has registers outside their file of 2056 bytes");
    faults.stack_skew = 16;
    refuses(f, "its sconce.fault/1 has registers outside their file of 80 bytes");
    dirty.size = 16;
    refuses(f, "its sconce.dirty/1 says that it has 16 bytes");
    dirty.reserved0 = 1;
    refuses(f, "a reserved field of its sconce.dirty/1 is not 0");
    dirty.begin = NULL;
    refuses(f, "its sconce.dirty/1 lacks begin");
    dirty.collect = NULL;
    refuses(f, "its sconce.dirty/1 lacks collect");
    lifecycle.release = NULL;
    refuses(f, "its sconce.lifecycle/1 lacks release");
    assert_int_equal(negotiate(f), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_negotiate_copies_and_never_reads_again),
        TEST(test_negotiate_no_callback_is_ever_null),
        TEST(test_negotiate_older_smaller_descriptor_is_taken),
        TEST(test_negotiate_newer_larger_structs_are_cut),
        TEST(test_negotiate_older_smaller_ops_lack_what_is_behind_them),
        TEST(test_negotiate_odd_sizes_are_refused),
        TEST(test_negotiate_text_without_end_is_refused),
        TEST(test_negotiate_settings_are_copied_deep),
        TEST(test_negotiate_settings_have_a_limit),
        TEST(test_negotiate_extensions_are_copied),
        TEST(test_negotiate_broken_extensions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
