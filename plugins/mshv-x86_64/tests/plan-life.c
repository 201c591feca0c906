/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life, and its judge. The guest counts in memory what it does, so that nothing that is lost or
 * done twice goes unseen: before each doorbell and behind each system call.
 */
#include "plugins/mshv-x86_64/tests/plan-life.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugins/shared/tests/x86_64/code.h"

#define ROUNDS 6u
#define CALL 39u
#define RESULT(round) (0x7700 + (int64_t)(round))

/* data[0]: doorbells; data[1]: calls; data[2]: the last result; data[3]: turns of a loop that it
 * never leaves, when its argument is not 0. */
GUEST(rounds, "test %rdi, %rdi\n"
              "jnz 2f\n"
              "1: addq $1, 0x420000\n" BELL(9) "mov $39, %eax\n"
                                               "syscall\n" STORE(rax, 16) "addq $1, 0x420008\n"
                                                                          "jmp 1b\n"
                                                                          "2: addq $1, 0x420018\n"
                                                                          "jmp 2b\n");

void (*life_probed)(void);

static struct fake_guest guest;
static const char *words;
static char told[512];
static bool any_exit_goes;

/* What the next run is to make of kicks. With somebody who goes on kicking it is not known. */
enum { NO_KICK, ONE_KICK, ANY_KICKS };
static volatile sig_atomic_t kicks;
static struct sconce_plugin_vm *volatile kicked_vm;

static void on_kick(int signal)
{
    (void)signal;
    if (!kicked_vm)
        return;
    ops->vcpu_kick_local(kicked_vm);
    if (kicks == NO_KICK)
        kicks = ONE_KICK;
}

static void on_noise(int signal)
{
    (void)signal;
}

static void *do_nothing(void *argument)
{
    return argument;
}

void life_init(void)
{
    struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_RESTART};
    pthread_t thread;

    /* libc keeps a thread's stack for the next one. */
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);

    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_noise;
    sigaction(SIGUSR2, &action, NULL);
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static enum life wrong(const char *what)
{
    words = what;
    return LIFE_WRONG;
}

/* An op that fails says what and why, and where it comes from or what can be done. */
static enum life op_failed(const char *op, int32_t status)
{
    if (status != SCONCE_PLUGIN_E_UNAVAILABLE && status != SCONCE_PLUGIN_E_NO_MEMORY &&
        status != SCONCE_PLUGIN_E_SYSTEM && !any_exit_goes)
        return wrong("an op failed with a status that is for other troubles");
    if (!error.text[0])
        return wrong("an op failed without a word");
    if (error.domain == SCONCE_DOMAIN_NONE && !error.hint[0])
        return wrong("an op failed, and neither a code nor a hint is there");
    snprintf(told, sizeof told, "%s: %.300s", op, error.text);
    words = told;
    return LIFE_TOLD;
}

/* A failed VM is good for destruction alone, and says so. */
static enum life exit_failed(const struct sconce_exit *exit)
{
    struct sconce_exit again = {.size = sizeof again};

    if (!exit->u.fail.text[0])
        return wrong("an exit FAIL without a word");
    if (ops->vcpu_run(guest.vm, &again, fresh_error()) != SCONCE_PLUGIN_E_DEAD ||
        ops->vcpu_reset(guest.vm, fresh_error()) != SCONCE_PLUGIN_E_DEAD)
        return wrong("a VM that failed is not dead");
    snprintf(told, sizeof told, "exit: %.300s", exit->u.fail.text);
    words = told;
    return LIFE_TOLD;
}

#define OP(name, call)                                                                             \
    do {                                                                                           \
        int32_t status = (call);                                                                   \
        if (status != SCONCE_PLUGIN_OK)                                                            \
            return op_failed(name, status);                                                        \
    } while (0)

#define STEP(call)                                                                                 \
    do {                                                                                           \
        enum life life = (call);                                                                   \
        if (life != LIFE_WHOLE)                                                                    \
            return life;                                                                           \
    } while (0)

/* ---- Running --------------------------------------------------------------------------------- */

/* One vcpu_run. A kick that came before it must end it, and nothing else may. */
static enum life run_once(struct sconce_exit *ret_exit, bool *ret_kicked)
{
    bool must_end = kicks == ONE_KICK;

    memset(ret_exit, 0xa5, sizeof *ret_exit);
    ret_exit->size = sizeof *ret_exit;
    OP("vcpu_run", ops->vcpu_run(guest.vm, ret_exit, fresh_error()));
    *ret_kicked = ret_exit->kind == SCONCE_EXIT_CANCELLED;
    if (ret_exit->kind == SCONCE_EXIT_FAIL)
        return exit_failed(ret_exit);
    if (*ret_kicked && kicks == NO_KICK)
        return wrong("a run was cancelled that nobody kicked");
    if (must_end && !*ret_kicked)
        return wrong("a kick was lost");
    if (must_end)
        kicks = NO_KICK;
    return LIFE_WHOLE;
}

static enum life run_to(uint32_t kind, struct sconce_exit *ret_exit)
{
    bool kicked;

    do {
        STEP(run_once(ret_exit, &kicked));
    } while (kicked);
    if (ret_exit->kind == kind)
        return LIFE_WHOLE;
    snprintf(told, sizeof told, "exit %u in the place of %u", ret_exit->kind, kind);
    words = told;
    return any_exit_goes ? LIFE_TOLD : LIFE_WRONG;
}

static volatile uint64_t *data(void)
{
    return guest_data(&guest);
}

static enum life round_of(uint64_t from, unsigned round)
{
    struct sconce_exit exit;

    STEP(run_to(SCONCE_EXIT_DOORBELL, &exit));
    if (exit.u.doorbell.number != 9)
        return wrong("another doorbell");
    if (data()[0] != from + round + 1 || data()[1] != from + round)
        return wrong("a doorbell was lost, or rung twice");
    if (round > 0 && data()[2] != (uint64_t)RESULT(round - 1))
        return wrong("a system call's result is another one");
    STEP(run_to(SCONCE_EXIT_SYSCALL, &exit));
    if (exit.u.syscall.raw_nr != CALL)
        return wrong("another system call");
    OP("vcpu_complete", ops->vcpu_complete(guest.vm, RESULT(round), fresh_error()));
    return LIFE_WHOLE;
}

/* ---- Being kicked ---------------------------------------------------------------------------- */

struct kicker {
    pthread_t target;
    atomic_bool over;
};

static void *kick_it(void *argument)
{
    struct kicker *kicker = argument;
    uint64_t from = data()[3];

    while (!atomic_load(&kicker->over) && data()[3] == from)
        sched_yield();
    while (!atomic_load(&kicker->over)) {
        pthread_kill(kicker->target, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

/* The guest never leaves its loop. */
static enum life run_until_kicked(void)
{
    struct kicker kicker = {.target = pthread_self()};
    struct sconce_exit exit;
    bool kicked = false;
    pthread_t thread;
    enum life life;

    kicks = ANY_KICKS;
    if (pthread_create(&thread, NULL, kick_it, &kicker) != 0)
        return wrong("no thread to kick with");
    life = run_once(&exit, &kicked);
    atomic_store(&kicker.over, true);
    pthread_join(thread, NULL);
    if (life != LIFE_WHOLE || kicked)
        return life;
    snprintf(told, sizeof told, "exit %u in the place of a kick", exit.kind);
    words = told;
    return any_exit_goes ? LIFE_TOLD : LIFE_WRONG;
}

/* ---- The life -------------------------------------------------------------------------------- */

static int32_t enter(uint64_t argument)
{
    const struct sconce_entry entry = {.size = sizeof entry,
                                       .pc = CODE_GPA,
                                       .sp = STACK_TOP,
                                       .tls = 0x123456789000,
                                       .args = {argument}};

    return ops->vcpu_enter(guest.vm, &entry, fresh_error());
}

static enum life reset(void)
{
    OP("vcpu_reset", ops->vcpu_reset(guest.vm, fresh_error()));
    kicks = NO_KICK;
    return LIFE_WHOLE;
}

/* A guest that was stopped anywhere can be looked at, and goes on with what it had. */
static enum life look(void)
{
    struct sconce_x86_standard standard;
    struct sconce_x86_float simd;

    OP("get", regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    OP("get", regs->get(guest.vm, SCONCE_REGS_FLOAT, &simd, sizeof simd, fresh_error()));
    if (standard.rip < CODE_GPA || standard.rip >= CODE_GPA + SCONCE_MEM_GRANULE)
        return any_exit_goes ? LIFE_TOLD : wrong("the guest stands elsewhere");
    OP("set", regs->set(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard, fresh_error()));
    OP("set", regs->set(guest.vm, SCONCE_REGS_FLOAT, &simd, sizeof simd, fresh_error()));
    return LIFE_WHOLE;
}

static enum life live(void)
{
    struct sconce_probe probe = {.size = sizeof probe};

    OP("probe", ops->probe(&probe, fresh_error()));
    if (life_probed)
        life_probed();
    OP("vm_create", guest_make_vm(&guest, fresh_error()));
    kicked_vm = guest.vm;
    for (unsigned turn = 0; turn < 2; turn++) {
        uint64_t from = data()[0];

        OP("vcpu_enter", enter(0));
        for (unsigned round = 0; round < ROUNDS; round++)
            STEP(round_of(from, round));
        STEP(reset());
        OP("vcpu_enter", enter(1));
        STEP(run_until_kicked());
        STEP(look());
        STEP(run_until_kicked());
        STEP(reset());
        data()[1] = data()[0]; /* the last call's count was never reached */
    }
    return LIFE_WHOLE;
}

static void make_memory(void)
{
    guest = (struct fake_guest){.memfd = memfd_create("guest", MFD_CLOEXEC)};
    assert_true(guest.memfd >= 0 && ftruncate(guest.memfd, GUEST_BYTES) == 0);
    guest.host = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, guest.memfd, 0);
    assert_ptr_not_equal(guest.host, MAP_FAILED);
    guest_load(&guest, guest_rounds, guest_rounds_end);
}

enum life life_live(bool any_exit, const char **ret_words)
{
    enum life life;

    any_exit_goes = any_exit;
    words = "";
    kicks = NO_KICK;
    make_memory();
    life = live();
    kicked_vm = NULL;
    guest_free(&guest);
    *ret_words = words;
    return life;
}
