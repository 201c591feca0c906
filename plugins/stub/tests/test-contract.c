/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that the stub holds the core to: each broken once, each with a text of its own. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

static void assert_refused(struct core *core, int32_t status, int32_t wanted, const char *text)
{
    assert_int_equal(status, wanted);
    if (!strstr(core->err.text, text))
        fail_msg("the text is \"%s\", without \"%s\"", core->err.text, text);
}

/* ---- vm_create ---- */

static void refuse_config(void **state, struct sconce_vm_config config, const char *text)
{
    struct core *core = *state;

    assert_refused(core, core->ops->vm_create(&config, &core->vm, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, text);
    assert_null(core->vm);
}

static void test_vm_create_short_config_is_refused(void **state)
{
    struct sconce_vm_config config = core_config();

    config.size = 8;
    refuse_config(state, config, "whole vm_config");
}

static void test_vm_create_unknown_flag_is_refused(void **state)
{
    struct sconce_vm_config config = core_config();

    config.flags = 1u << 31;
    refuse_config(state, config, "unknown VM flags");
}

static void test_vm_create_empty_range_is_refused(void **state)
{
    struct sconce_vm_config config = core_config();

    config.gpa_max = config.gpa_min;
    refuse_config(state, config, "is empty");
}

static void test_vm_create_odd_range_is_refused(void **state)
{
    struct sconce_vm_config config = core_config();

    config.gpa_min += 4096;
    refuse_config(state, config, "multiples of the granule");
}

static void test_vm_create_wrapping_reserve_is_refused(void **state)
{
    struct sconce_vm_config config = core_config();

    config.gpa_max = UINT64_MAX - SCONCE_MEM_GRANULE + 1;
    refuse_config(state, config, "wraps around");
}

/* ---- mem_map ---- */

static void refuse_map(struct core *core, struct sconce_memory memory,
                       struct sconce_mapping mapping, const char *text)
{
    assert_refused(core, core->ops->mem_map(core->vm, &memory, &mapping, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, text);
}

static void test_mem_map_bad_memory_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_mapping mapping = core_mapping(0x600000, SCONCE_PROT_READ);
    struct sconce_memory memory;

    core_create(core);
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.size = 8;
    refuse_map(core, memory, mapping, "whole sconce_memory");
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.reserved0 = 1;
    refuse_map(core, memory, mapping, "reserved0");
    refuse_map(core, core_memory(core, 9, 0), mapping, "no role");
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.bytes = 4096;
    refuse_map(core, memory, mapping, "whole granules");
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.host_addr = NULL;
    refuse_map(core, memory, mapping, "without a host view");
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.handle_kind = SCONCE_HANDLE_WIN_SECTION;
    refuse_map(core, memory, mapping, "none of this system's");
}

static void test_mem_map_unsealed_handle_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_memory memory;
    int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    core_create(core);
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    memory.handle_kind = SCONCE_HANDLE_LINUX_FD;
    memory.handle = (uint64_t)fd;
    refuse_map(core, memory, core_mapping(0x600000, SCONCE_PROT_READ), "sealed against resizing");
    close(fd);
}

static void test_mem_map_bad_protection_is_refused(void **state)
{
    struct core *core = *state;
    const uint32_t write = SCONCE_PROT_READ | SCONCE_PROT_WRITE;
    const uint32_t exec = SCONCE_PROT_READ | SCONCE_PROT_EXEC;

    core_create(core);
    refuse_map(core, core_memory(core, SCONCE_MEM_STATE, 0), core_mapping(0x600000, 0),
               "protection 0x0");
    refuse_map(core, core_memory(core, SCONCE_MEM_STATE, 0), core_mapping(0x600000, 9),
               "protection 0x9");
    refuse_map(core, core_memory(core, SCONCE_MEM_STATE, 0), core_mapping(0x600000, write | exec),
               "never both");
    refuse_map(core, core_memory(core, SCONCE_MEM_IMAGE, 0), core_mapping(0x600000, write),
               "IMAGE memory");
    refuse_map(core, core_memory(core, SCONCE_MEM_BOOT, 0), core_mapping(0x600000, write),
               "BOOT memory");
    refuse_map(core, core_memory(core, SCONCE_MEM_IO, 0), core_mapping(0x600000, exec),
               "IO memory");
}

static void test_mem_map_bad_range_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_memory memory;
    struct sconce_mapping mapping;

    core_create(core);
    memory = core_memory(core, SCONCE_MEM_STATE, 0);
    refuse_map(core, memory, core_mapping(0x600800, SCONCE_PROT_READ), "whole granules");
    refuse_map(core, memory, core_mapping(SCONCE_GPA_MAX, SCONCE_PROT_READ), "guest's range");
    refuse_map(core, memory, core_mapping(0, SCONCE_PROT_READ), "guest's range");
    refuse_map(core, memory, core_mapping(0xffffffffffff0000, SCONCE_PROT_READ), "guest's range");
    refuse_map(core, memory, core_mapping(IMAGE_GPA, SCONCE_PROT_READ), "overlaps");
    mapping = core_mapping(0x600000, SCONCE_PROT_READ);
    mapping.object_offset = SCONCE_MEM_GRANULE;
    refuse_map(core, memory, mapping, "leaves its memory");
}

static void test_mem_map_after_enter_is_refused(void **state)
{
    struct core *core = *state;

    core_create(core);
    core_enter(core);

    refuse_map(core, core_memory(core, SCONCE_MEM_STATE, 0),
               core_mapping(0x600000, SCONCE_PROT_READ), "after the first vcpu_enter");
    assert_refused(core,
                   core->ops->mem_unmap(core->vm, IMAGE_GPA, SCONCE_MEM_GRANULE, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "after the first vcpu_enter");
}

static void test_mem_unmap_takes_exactly_what_was_mapped(void **state)
{
    struct core *core = *state;

    core_create(core);

    assert_refused(
        core, core->ops->mem_unmap(core->vm, IMAGE_GPA, SCONCE_MEM_GRANULE / 2, core_err(core)),
        SCONCE_PLUGIN_E_INVALID, "not exactly a range");
    assert_int_equal(core->ops->mem_unmap(core->vm, IMAGE_GPA, SCONCE_MEM_GRANULE, core_err(core)),
                     0);
    core_map(core, SCONCE_MEM_STATE, 0, IMAGE_GPA, SCONCE_PROT_READ);
}

static void test_mem_sync_code_outside_code_is_refused(void **state)
{
    struct core *core = *state;

    core_create(core);

    assert_int_equal(core->ops->mem_sync_code(core->vm, IMAGE_GPA + 8, 8, core_err(core)), 0);
    assert_refused(core, core->ops->mem_sync_code(core->vm, OUT_GPA, 8, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "executable mapping");
}

/* ---- the order of the vCPU's ops ---- */

static void test_run_before_enter_is_refused(void **state)
{
    struct core *core = *state;

    core_create(core);

    assert_refused(core, core_run(core), SCONCE_PLUGIN_E_INVALID, "vcpu_enter comes first");
}

static void test_enter_twice_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_entry entry = core_entry();

    core_create(core);
    core_enter(core);

    assert_refused(core, core->ops->vcpu_enter(core->vm, &entry, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "vcpu_reset comes first");
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);
}

static void test_enter_bad_addresses_are_refused_and_change_nothing(void **state)
{
    struct core *core = *state;
    struct sconce_entry entry = core_entry();

    core_create(core);
    entry.pc = 1ull << 47;
    assert_refused(core, core->ops->vcpu_enter(core->vm, &entry, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "PC 0x800000000000 is no address");
    entry = core_entry();
    entry.tls = 1ull << 63;
    assert_refused(core, core->ops->vcpu_enter(core->vm, &entry, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "TLS");
    entry = core_entry();
    entry.reserved0 = 1;
    assert_refused(core, core->ops->vcpu_enter(core->vm, &entry, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "reserved0");
    core_enter(core);
}

static void test_run_after_fault_is_refused_until_reset(void **state)
{
    struct core *core = *state;

    core_play(core, "fault memory 0x10 write pc=0x400000 detail=0x60e\nready\n");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(core->exit.u.fault.kind, SCONCE_FAULT_MEMORY);
    assert_int_equal(core->exit.u.fault.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(core->exit.u.fault.address, 0x10);
    assert_int_equal(core->exit.u.fault.pc, 0x400000);
    assert_int_equal(core->exit.u.fault.detail, 0x60e);

    assert_refused(core, core_run(core), SCONCE_PLUGIN_E_INVALID, "the last exit was terminal");
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DOORBELL);
}

static void test_complete_only_after_syscall(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\nsyscall 39 1 2 3 4 5 6\nexpect result -38\nready\n");
    assert_int_equal(core_run(core), 0);
    assert_refused(core, core->ops->vcpu_complete(core->vm, 0, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "no system call");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(core->exit.u.syscall.raw_nr, 39);
    assert_int_equal(core->exit.u.syscall.args[5], 6);
    assert_refused(core, core_run(core), SCONCE_PLUGIN_E_INVALID, "waits for vcpu_complete");
    assert_int_equal(core->ops->vcpu_complete(core->vm, -38, core_err(core)), 0);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DOORBELL);
}

static void test_failed_vm_can_only_be_destroyed(void **state)
{
    struct core *core = *state;
    struct sconce_entry entry = core_entry();

    core_play(core, "system-failure 9 \"out of order\"\n");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(core->exit.u.fail.domain, SCONCE_DOMAIN_PLUGIN);
    assert_int_equal(core->exit.u.fail.code, 9);
    assert_string_equal(core->exit.u.fail.text, "out of order");

    assert_refused(core, core_run(core), SCONCE_PLUGIN_E_DEAD, "vcpu_run");
    assert_refused(core, core->ops->vcpu_reset(core->vm, core_err(core)), SCONCE_PLUGIN_E_DEAD,
                   "vcpu_reset");
    assert_refused(core, core->ops->vcpu_enter(core->vm, &entry, core_err(core)),
                   SCONCE_PLUGIN_E_DEAD, "vcpu_enter");
}

static void test_set_tls_between_exits_checks_the_address(void **state)
{
    struct core *core = *state;

    core_create(core);
    assert_refused(core, core->ops->vcpu_set_tls(core->vm, 0, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "vcpu_enter");
    core_enter(core);
    assert_int_equal(core->ops->vcpu_set_tls(core->vm, 0x2000, core_err(core)), 0);
    assert_refused(core, core->ops->vcpu_set_tls(core->vm, 1ull << 50, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "no address");
}

static void test_run_short_exit_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_exit exit = {.size = 8};

    core_create(core);
    core_enter(core);

    assert_refused(core, core->ops->vcpu_run(core->vm, &exit, core_err(core)),
                   SCONCE_PLUGIN_E_INVALID, "whole sconce_exit");
}

static void test_run_larger_exit_is_zeroed_whole(void **state)
{
    struct core *core = *state;
    struct {
        struct sconce_exit exit;
        uint64_t later;
    } larger = {.later = UINT64_MAX};

    core_play(core, "ready\n");
    larger.exit.size = sizeof larger;

    assert_int_equal(core->ops->vcpu_run(core->vm, &larger.exit, core_err(core)), 0);
    assert_int_equal(larger.later, 0);
}

/* ---- kicks ---- */

static void test_kick_before_run_cancels_it_once(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\n");
    core->ops->vcpu_kick_local(core->vm);
    core->ops->vcpu_kick_local(core->vm);

    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DOORBELL);
}

static void test_reset_drops_a_pending_kick(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\n");
    core->ops->vcpu_kick_local(core->vm);
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);

    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DOORBELL);
}

static struct core *kicked;

static void on_alarm(int signal)
{
    (void)signal;
    kicked->ops->vcpu_kick_local(kicked->vm);
}

static void test_wait_kick_returns_when_a_signal_kicks(void **state)
{
    struct core *core = *state;
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct sigaction before;

    core_play(core, "wait-kick\n");
    kicked = core;
    sigaction(SIGALRM, &action, &before);
    ualarm(2000, 0);

    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_CANCELLED);
    sigaction(SIGALRM, &before, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_vm_create_short_config_is_refused),
        T(test_vm_create_unknown_flag_is_refused),
        T(test_vm_create_empty_range_is_refused),
        T(test_vm_create_odd_range_is_refused),
        T(test_vm_create_wrapping_reserve_is_refused),
        T(test_mem_map_bad_memory_is_refused),
        T(test_mem_map_unsealed_handle_is_refused),
        T(test_mem_map_bad_protection_is_refused),
        T(test_mem_map_bad_range_is_refused),
        T(test_mem_map_after_enter_is_refused),
        T(test_mem_unmap_takes_exactly_what_was_mapped),
        T(test_mem_sync_code_outside_code_is_refused),
        T(test_run_before_enter_is_refused),
        T(test_enter_twice_is_refused),
        T(test_enter_bad_addresses_are_refused_and_change_nothing),
        T(test_run_after_fault_is_refused_until_reset),
        T(test_complete_only_after_syscall),
        T(test_failed_vm_can_only_be_destroyed),
        T(test_set_tls_between_exits_checks_the_address),
        T(test_run_short_exit_is_refused),
        T(test_run_larger_exit_is_zeroed_whole),
        T(test_kick_before_run_cancels_it_once),
        T(test_reset_drops_a_pending_kick),
        T(test_wait_kick_returns_when_a_signal_kicks),
    };

    return cmocka_run_group_tests_name("stub-contract", tests, NULL, NULL);
}
