/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64 on this machine's KVM: doorbells, system calls, kicks, memory, what it costs. */
#include "fake-host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Counting ioctls: this definition comes before libc's for the plugin too ---------------- */

static unsigned ioctl_calls;

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list args;
    void *argument;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    ioctl_calls++;
    return real(fd, request, argument);
}

/* ---- Doorbells ------------------------------------------------------------------------------ */

GUEST(bells, BELL(1) BELL(200) BELL(3));

static void test_run_doorbells_come_in_order_with_their_numbers(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 200);
    guest_expect_bell(&guest, 3);
    guest_free(&guest);
}

static void test_run_doorbell_takes_one_ioctl(void **state)
{
    struct fake_guest guest;
    unsigned before;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    before = ioctl_calls;
    guest_expect_bell(&guest, 200);

    assert_int_equal(ioctl_calls - before, 1);
    guest_free(&guest);
}

GUEST(entry, "mov $0x420000, %ebx\n mov %rdi, (%rbx)\n mov %rsi, 8(%rbx)\n mov %rsp, 16(%rbx)\n"
             "mov %fs:0x100, %rax\n" /* faults: the address tells the base */);

static void test_enter_sets_arguments_stack_and_tls(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_entry, guest_entry_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.address, 0x123456789100);
    assert_int_equal(guest_data(&guest)[0], 0x1111);
    assert_int_equal(guest_data(&guest)[1], 0x2222);
    assert_int_equal(guest_data(&guest)[2], STACK_TOP);
    guest_free(&guest);
}

/* Callee-saved registers and the stack live across a doorbell. */
GUEST(saved,
      "mov $0x51, %ebx\n mov $0x52, %ebp\n mov $0x53, %r12d\n mov $0x54, %r15d\n"
      "push $0x55\n movq %rbx, %xmm6\n" BELL(
          1) "pop %rcx\n mov $0x420000, %edx\n"
             "mov %rbx, (%rdx)\n mov %rbp, 8(%rdx)\n mov %r12, 16(%rdx)\n mov %r15, 24(%rdx)\n"
             "mov %rcx, 32(%rdx)\n" BELL(2));

static void test_run_doorbell_keeps_registers_and_stack(void **state)
{
    static const uint64_t want[] = {0x51, 0x52, 0x53, 0x54, 0x55};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_saved, guest_saved_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 2);

    assert_memory_equal(guest_data(&guest), want, sizeof want);
    guest_free(&guest);
}

/* ---- System calls --------------------------------------------------------------------------- */

GUEST(syscall, "mov $39, %eax\n mov $1, %edi\n mov $2, %esi\n mov $3, %edx\n mov $4, %r10d\n"
               "mov $5, %r8d\n mov $6, %r9d\n mov $0x77, %ebx\n std\n syscall\n"
               ".globl guest_syscall_behind\nguest_syscall_behind: pushf\n cld\n"
               "mov $0x420000, %ebp\n mov %rax, (%rbp)\n mov %rcx, 8(%rbp)\n mov %r11, 16(%rbp)\n"
               "mov %rsp, 24(%rbp)\n mov %rbx, 32(%rbp)\n pop %rax\n mov %rax, 40(%rbp)\n" BELL(4));
extern const uint8_t guest_syscall_behind[];

static void test_run_syscall_reports_number_and_arguments(void **state)
{
    static const uint64_t want[] = {1, 2, 3, 4, 5, 6};
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    assert_int_equal(exit.u.syscall.id, SCONCE_SYS_UNKNOWN);
    assert_int_equal(exit.u.syscall.raw_nr, 39);
    assert_memory_equal(exit.u.syscall.args, want, sizeof want);
    guest_free(&guest);
}

static void test_complete_goes_on_behind_the_syscall_with_its_result(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    const uint64_t *data;
    uint64_t behind = CODE_GPA + (uint64_t)(guest_syscall_behind - guest_syscall);

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_ok(ops->vcpu_complete(guest.vm, -38, fresh_error()));
    guest_expect_bell(&guest, 4);

    data = guest_data(&guest);
    assert_int_equal(data[0], (uint64_t)-38);
    assert_int_equal(data[1], behind);        /* RCX, as SYSCALL leaves it */
    assert_int_equal(data[2] & 0x400, 0x400); /* R11: the flags, DF among them */
    assert_int_equal(data[3], STACK_TOP - 8);
    assert_int_equal(data[4], 0x77);
    assert_int_equal(data[5] & 0x400, 0x400);
    guest_free(&guest);
}

static void test_run_syscall_without_an_answer_is_invalid(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot run the guest: its system call is not answered");
    guest_free(&guest);
}

static void test_complete_without_a_syscall_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_int_equal(ops->vcpu_complete(guest.vm, 0, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot answer a system call: it is between two runs");
    guest_free(&guest);
}

/* Flags that bite whoever forgets to mask them: NT, AC, DF, with a wild stack pointer. */
GUEST(odd_syscall, "pushf\n orq $0x44400, (%rsp)\n popf\n mov $0x8000000000000000, %rsp\n"
                   "mov $1, %eax\n syscall\n mov %rsp, 0x420000\n" BELL(5));

static void test_complete_survives_odd_flags_and_stack(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_odd_syscall, guest_odd_syscall_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);

    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    guest_expect_bell(&guest, 5);

    assert_int_equal(guest_data(&guest)[0], 0x8000000000000000);
    guest_free(&guest);
}

/* Jumps to where LSTAR points. Where that is how a SYSCALL arrives, RCX is the return address. */
GUEST(fake_syscall, "mov $0xfff002ff8, %rax\n mov $0x8000000000000000, %rcx\n jmp *%rax");

static void test_run_syscall_with_a_wild_return_is_a_fault(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_fake_syscall, guest_fake_syscall_end);
    guest_enter(&guest);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    guest_free(&guest);
}

GUEST(own_tls, "mov $158, %eax\n syscall\n mov %fs:0, %rax\n mov %rax, 0x420010\n" BELL(6));

static void test_set_tls_between_exits_is_seen_by_the_guest(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_own_tls, guest_own_tls_end);
    guest_data(&guest)[1] = 0x5ca1ab1e;
    guest_enter(&guest);
    guest_run(&guest, &exit);

    assert_ok(ops->vcpu_set_tls(guest.vm, DATA_GPA + 8, fresh_error()));
    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    guest_expect_bell(&guest, 6);

    assert_int_equal(guest_data(&guest)[2], 0x5ca1ab1e);
    guest_free(&guest);
}

static void test_set_tls_not_canonical_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(ops->vcpu_set_tls(guest.vm, 1ull << 63, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

/* ---- Entering ------------------------------------------------------------------------------- */

static void expect_entry_refused(uint64_t pc, uint64_t sp, uint64_t tls, const char *text)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = pc, .sp = sp, .tls = tls};
    struct fake_guest guest;

    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(ops->vcpu_enter(guest.vm, &entry, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, text);
    guest_enter(&guest); /* it changed nothing */
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_enter_at_a_supervisor_pc_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(0xffff800000000000, STACK_TOP, 0,
                         "cannot enter the guest: its PC 0xffff800000000000 is no user address");
}

static void test_enter_with_a_wild_sp_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(CODE_GPA, 1ull << 47, 0,
                         "cannot enter the guest: its SP 0x800000000000 is no user address");
}

static void test_enter_with_a_wild_tls_is_invalid(void **state)
{
    (void)state;
    expect_entry_refused(
        CODE_GPA, STACK_TOP, 1ull << 63,
        "cannot enter the guest: its thread pointer 0x8000000000000000 is not canonical");
}

static void test_enter_twice_without_a_reset_is_invalid(void **state)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(ops->vcpu_enter(guest.vm, &entry, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot enter the guest: it is between two runs");
    guest_free(&guest);
}

static void test_run_before_the_entry_is_invalid(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot run the guest: it was not entered");
    guest_free(&guest);
}

static void test_reset_at_any_time_starts_over(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_syscall, guest_syscall_end);
    guest_reset(&guest); /* before the first entry */
    guest_enter(&guest);
    guest_reset(&guest); /* before the first run */
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
    guest_reset(&guest); /* with a system call unanswered */
    guest_load(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_reset(&guest); /* with a doorbell to be finished */
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

/* ---- Kicks ---------------------------------------------------------------------------------- */

/* Counts in data[0] until data[1] is set. */
GUEST(count, "mov $0x420000, %ebx\n1: incq (%rbx)\n inc %r12\n cmpq $0, 8(%rbx)\n je 1b\n"
             "mov %r12, 16(%rbx)\n" BELL(8));

static struct sconce_plugin_vm *volatile kicked_vm;

static void on_kick(int signal)
{
    (void)signal;
    ops->vcpu_kick_local(kicked_vm);
}

static void on_noise(int signal)
{
    (void)signal;
}

struct kicker {
    pthread_t target;
    struct fake_guest *guest;
    int signal;
    bool then_let_go;
    unsigned rounds;
    volatile unsigned seen; /* cancellations that the target has counted */
};

static uint64_t counter(const struct fake_guest *guest)
{
    return *(volatile uint64_t *)guest_data((struct fake_guest *)(uintptr_t)guest);
}

static void wait_for_progress(const struct fake_guest *guest)
{
    uint64_t from = counter(guest);

    while (counter(guest) == from)
        sched_yield();
}

static void *kick_while_it_runs(void *argument)
{
    struct kicker *kicker = argument;

    for (unsigned i = 0; i < kicker->rounds; i++) {
        wait_for_progress(kicker->guest);
        pthread_kill(kicker->target, kicker->signal);
        while (!kicker->then_let_go && kicker->seen == i)
            sched_yield();
    }
    if (kicker->then_let_go) {
        wait_for_progress(kicker->guest);
        ((volatile uint64_t *)guest_data(kicker->guest))[1] = 1;
    }
    return NULL;
}

static void install(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(signal, &action, NULL);
}

static void test_kick_ends_an_endless_loop(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;
    struct kicker kicker = {pthread_self(), &guest, SIGUSR1, false, 300, 0};
    pthread_t thread;

    (void)state;
    install(SIGUSR1, on_kick);
    guest_new(&guest, guest_count, guest_count_end);
    kicked_vm = guest.vm;
    guest_enter(&guest);
    pthread_create(&thread, NULL, kick_while_it_runs, &kicker);

    while (kicker.seen < kicker.rounds) {
        guest_run(&guest, &exit);
        assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
        kicker.seen++;
    }

    pthread_join(thread, NULL);
    guest_data(&guest)[1] = 1;
    guest_expect_bell(&guest, 8); /* and no kick is left over */
    assert_int_equal(guest_data(&guest)[2], guest_data(&guest)[0]);
    guest_free(&guest);
}

static void test_kick_before_the_run_stops_it(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    guest_run(&guest, &exit);

    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    guest_expect_bell(&guest, 200);
    guest_free(&guest);
}

static void test_kick_before_a_reset_is_dropped(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    guest_reset(&guest);

    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_free(&guest);
}

static void test_kick_outlives_a_look_at_the_registers(void **state)
{
    struct sconce_x86_standard standard;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    ops->vcpu_kick_local(guest.vm);

    assert_ok(regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));

    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);
    guest_free(&guest);
}

static void test_run_signals_of_others_do_not_end_it(void **state)
{
    struct fake_guest guest;
    struct kicker kicker = {pthread_self(), &guest, SIGUSR2, true, 100, 0};
    pthread_t thread;

    (void)state;
    install(SIGUSR2, on_noise);
    guest_new(&guest, guest_count, guest_count_end);
    guest_enter(&guest);
    pthread_create(&thread, NULL, kick_while_it_runs, &kicker);

    guest_expect_bell(&guest, 8);

    pthread_join(thread, NULL);
    guest_free(&guest);
}

/* ---- Memory --------------------------------------------------------------------------------- */

static int32_t map_at(struct fake_guest *guest, uint64_t gpa, uint64_t bytes, uint64_t offset,
                      uint32_t prot)
{
    const struct sconce_memory memory = {
        .size = sizeof memory, .bytes = GUEST_BYTES, .host_addr = guest->host};
    const struct sconce_mapping mapping = {
        .size = sizeof mapping, .prot = prot, .gpa = gpa, .bytes = bytes, .object_offset = offset};

    return ops->mem_map(guest->vm, &memory, &mapping, fresh_error());
}

static void test_map_after_the_entry_is_not_supported(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);

    assert_int_equal(map_at(&guest, 0x800000, SCONCE_MEM_GRANULE, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_int_equal(ops->mem_unmap(guest.vm, DATA_GPA, SCONCE_MEM_GRANULE, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    guest_free(&guest);
}

static void test_map_into_the_reserved_range_is_invalid(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);

    assert_int_equal(map_at(&guest, SCONCE_GPA_MAX, SCONCE_MEM_GRANULE, 0, SCONCE_PROT_READ),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot map 65536 bytes at 0xfff000000: it is outside the "
                                    "guest's address space");
    guest_free(&guest);
}

GUEST(write_data, "mov $0x420000, %ebx\n movq $0x1234, (%rbx)\n" BELL(1));

/* STATE may be a private view of a baseline: the guest writes, the baseline stays. */
static void test_map_private_view_leaves_the_file_alone(void **state)
{
    struct fake_guest guest;
    uint64_t in_file = ~0ull;

    (void)state;
    guest_new(&guest, guest_write_data, guest_write_data_end);
    assert_ptr_equal(mmap(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_FIXED, guest.memfd, DATA_GPA - CODE_GPA),
                     guest_data(&guest));
    guest_enter(&guest);

    guest_expect_bell(&guest, 1);

    assert_int_equal(guest_data(&guest)[0], 0x1234);
    assert_int_equal(pread(guest.memfd, &in_file, sizeof in_file, DATA_GPA - CODE_GPA),
                     sizeof in_file);
    assert_int_equal(in_file, 0);
    guest_free(&guest);
}

GUEST(add_data, "mov $0x420000, %ebx\n1: incq (%rbx)\n" BELL(1) "jmp 1b");

static void test_map_follows_what_the_host_maps_over_it(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_add_data, guest_add_data_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_expect_bell(&guest, 1);
    assert_int_equal(guest_data(&guest)[0], 2);

    assert_ptr_equal(mmap(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     guest_data(&guest));
    guest_expect_bell(&guest, 1);

    assert_int_equal(guest_data(&guest)[0], 1);
    guest_free(&guest);
}

static void test_run_guest_memory_taken_away_is_a_failure_exit(void **state)
{
    struct sconce_exit exit = {.size = sizeof exit};
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_add_data, guest_add_data_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    mprotect(guest_data(&guest), SCONCE_MEM_GRANULE, PROT_NONE);

    assert_ok(ops->vcpu_run(guest.vm, &exit, fresh_error()));

    assert_int_equal(exit.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(exit.u.fail.text,
                        "cannot run the vCPU: guest memory is not accessible to the host");
    assert_int_equal(ops->vcpu_run(guest.vm, &exit, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(ops->vcpu_reset(guest.vm, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    guest_free(&guest);
}

/* ---- What it costs -------------------------------------------------------------------------- */

static void test_create_costs_two_descriptors_and_two_mappings(void **state)
{
    struct fake_guest guest;
    unsigned fds, maps;

    (void)state;
    guest_new(&guest, guest_bells, guest_bells_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    fds = count_fds();
    maps = count_maps();

    ops->vm_destroy(guest.vm);

    assert_int_equal(fds - count_fds(), 2);
    assert_in_range(maps - count_maps(), 1, 2); /* neighbours may be shown as one */
    munmap(guest.host, GUEST_BYTES);
    close(guest.memfd);
}

static void test_destroy_in_any_state_leaves_nothing(void **state)
{
    unsigned fds = count_fds(), maps = count_maps();
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    for (int step = 0; step < 4; step++) {
        guest_new(&guest, guest_syscall, guest_syscall_end);
        if (step > 0)
            guest_enter(&guest);
        if (step > 1)
            guest_run(&guest, &exit);
        if (step > 2)
            guest_reset(&guest);
        guest_free(&guest);
    }
    ops->vm_destroy(NULL);

    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_maps(), maps);
}

static void test_create_many_at_once_each_runs(void **state)
{
    enum { MANY = 32 };
    struct fake_guest guests[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        guest_new(&guests[i], guest_add_data, guest_add_data_end);
        guest_enter(&guests[i]);
    }
    for (int i = 0; i < MANY; i++)
        for (int n = 0; n <= i; n++)
            guest_expect_bell(&guests[i], 1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(guest_data(&guests[i])[0], i + 1);
    for (int i = 0; i < MANY; i++)
        guest_free(&guests[i]);
}

static void test_create_with_a_short_config_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = 8};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_null(vm);
}

static void test_create_with_unknown_flags_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config, .flags = 1u << 31};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(error.text, "cannot create a VM: unknown flags 0x80000000");
}

static void test_create_beyond_the_address_space_is_invalid(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = SCONCE_GPA_RESERVED + 4096};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_int_equal(ops->vm_create(&config, &vm, fresh_error()), SCONCE_PLUGIN_E_INVALID);
}

static void test_enter_with_too_little_reserved_is_not_supported(void **state)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = 4096};
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    struct sconce_plugin_vm *vm = NULL;

    (void)state;
    assert_ok(ops->vm_create(&config, &vm, fresh_error()));

    assert_int_equal(ops->vcpu_enter(vm, &entry, fresh_error()), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_int_equal(ops->vcpu_enter(vm, &entry, fresh_error()), SCONCE_PLUGIN_E_DEAD);
    ops->vm_destroy(vm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbells_come_in_order_with_their_numbers),
        cmocka_unit_test(test_run_doorbell_takes_one_ioctl),
        cmocka_unit_test(test_enter_sets_arguments_stack_and_tls),
        cmocka_unit_test(test_run_doorbell_keeps_registers_and_stack),
        cmocka_unit_test(test_run_syscall_reports_number_and_arguments),
        cmocka_unit_test(test_complete_goes_on_behind_the_syscall_with_its_result),
        cmocka_unit_test(test_run_syscall_without_an_answer_is_invalid),
        cmocka_unit_test(test_complete_without_a_syscall_is_invalid),
        cmocka_unit_test(test_complete_survives_odd_flags_and_stack),
        cmocka_unit_test(test_run_syscall_with_a_wild_return_is_a_fault),
        cmocka_unit_test(test_set_tls_between_exits_is_seen_by_the_guest),
        cmocka_unit_test(test_set_tls_not_canonical_is_invalid),
        cmocka_unit_test(test_enter_at_a_supervisor_pc_is_invalid),
        cmocka_unit_test(test_enter_with_a_wild_sp_is_invalid),
        cmocka_unit_test(test_enter_with_a_wild_tls_is_invalid),
        cmocka_unit_test(test_enter_twice_without_a_reset_is_invalid),
        cmocka_unit_test(test_run_before_the_entry_is_invalid),
        cmocka_unit_test(test_reset_at_any_time_starts_over),
        cmocka_unit_test(test_kick_ends_an_endless_loop),
        cmocka_unit_test(test_kick_before_the_run_stops_it),
        cmocka_unit_test(test_kick_before_a_reset_is_dropped),
        cmocka_unit_test(test_kick_outlives_a_look_at_the_registers),
        cmocka_unit_test(test_run_signals_of_others_do_not_end_it),
        cmocka_unit_test(test_map_after_the_entry_is_not_supported),
        cmocka_unit_test(test_map_into_the_reserved_range_is_invalid),
        cmocka_unit_test(test_map_private_view_leaves_the_file_alone),
        cmocka_unit_test(test_map_follows_what_the_host_maps_over_it),
        cmocka_unit_test(test_run_guest_memory_taken_away_is_a_failure_exit),
        cmocka_unit_test(test_create_costs_two_descriptors_and_two_mappings),
        cmocka_unit_test(test_destroy_in_any_state_leaves_nothing),
        cmocka_unit_test(test_create_many_at_once_each_runs),
        cmocka_unit_test(test_create_with_a_short_config_is_invalid),
        cmocka_unit_test(test_create_with_unknown_flags_is_invalid),
        cmocka_unit_test(test_create_beyond_the_address_space_is_invalid),
        cmocka_unit_test(test_enter_with_too_little_reserved_is_not_supported),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
        return 2;
    }
    if (!fake_host_init(argv[1]))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
