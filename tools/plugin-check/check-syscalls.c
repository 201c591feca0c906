/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests' system calls are answered with by their own sandbox alone, on every backend that
 * reports them: memory, ends, refusals. What each answer is in all its cases is for unit tests of
 * the personality; here it must arrive.
 */
#include <errno.h>

#include "common/cleanup.h"
#include "tools/plugin-check/calls.h"

#define PAGE 4096ull
#define READ_WRITE 3ull
#define ANON_PRIVATE 0x22ull
#define MAY_MOVE 1ull
#define POISONED SCONCE_STATE_POISONED

static enum check_outcome check_syscall_memory(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};
    uint64_t heap, bytes, top, stack;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_HEAP_ADDR, &heap));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_HEAP_BYTES, &bytes));
    top = heap + bytes;
    GIVES(heap, "brk", 0, 0, 0, 0);
    GIVES(heap + PAGE, "brk", heap + PAGE, 0, 0, 0);
    CHECK_STEP(check_calls_put(check, &calls, heap, 1));
    GIVES(heap, "brk", heap, 0, 0, 0);
    GIVES(heap + 8, "brk", heap + 8, 0, 0, 0);
    CHECK_STEP(check_calls_hold(check, &calls, heap, 0));
    GIVES(heap + 8, "brk", top + 1, 0, 0, 0);
    GIVES(top - PAGE, "mmap", 0, 1, READ_WRITE, ANON_PRIVATE);
    CHECK_STEP(check_calls_hold(check, &calls, top - PAGE, 0));
    CHECK_STEP(check_calls_put(check, &calls, top - PAGE, 1));
    CHECK_STEP(check_box_keep_start(check, &calls.box));
    GIVES(0, "munmap", top - PAGE, PAGE, 0, 0);
    GIVES(top - 2 * PAGE, "mmap", 0, 2 * PAGE, READ_WRITE, ANON_PRIVATE);
    CHECK_STEP(check_calls_hold(check, &calls, top - PAGE, 0));
    GIVES(top - 2 * PAGE, "mremap", top - 2 * PAGE, 2 * PAGE, PAGE, 0);
    GIVES(0, "madvise", top - 2 * PAGE, PAGE, 4, 0);
    GIVES(-ENOMEM, "mmap", 0, bytes, READ_WRITE, ANON_PRIVATE);
    GIVES(-EACCES, "mmap", 0, PAGE, 7, ANON_PRIVATE);
    GIVES(0, "mprotect", top - 2 * PAGE, PAGE, READ_WRITE, 0);
    GIVES(-EACCES, "mprotect", top - 2 * PAGE, PAGE, 5, 0);
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_STACK_BYTES, &stack));
    GIVES(0, "prlimit64", 0, 3, 0, calls.memory);
    CHECK_STEP(check_calls_hold(check, &calls, calls.memory, stack));
    /* The snapshot has one mapping and 8 bytes of brk. */
    CHECK(check, sconce_sandbox_restore(calls.box.sandbox, calls.box.start, &calls.box.err) == 0,
          "restoring failed: %s", calls.box.err.text);
    CHECK_STEP(check_calls_hold(check, &calls, top - PAGE, 1));
    GIVES(heap + 8, "brk", 0, 0, 0, 0);
    GIVES(top - 2 * PAGE, "mmap", 0, PAGE, READ_WRITE, ANON_PRIVATE);
    /* What the host has moved goes away, too, where the guest has not even looked at it. */
    GIVES(top - 4 * PAGE, "mremap", top - PAGE, PAGE, 2 * PAGE, MAY_MOVE);
    CHECK(check, sconce_sandbox_rewind(calls.box.sandbox, calls.box.start, &calls.box.err) == 0,
          "rewinding failed: %s", calls.box.err.text);
    CHECK_STEP(check_calls_hold(check, &calls, top - PAGE, 1));
    return CHECK_OK;
}

static enum check_outcome check_syscall_exit(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};
    const struct sconce_error *err = &calls.box.err;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_box_keep_start(check, &calls.box));
    CHECK_STEP(check_call_ends(check, &calls.box, SCONCE_E_GUEST_EXIT, POISONED, "call",
                               SYSTEM_CALL("exit_group", 7, 0, 0, 0)));
    CHECK(check, err->guest_code == 7 && strcmp(err->text, "the guest exited with status 7") == 0,
          "it exited with %d: %s", err->guest_code, err->text);
    CHECK_STEP(check_box_recover(check, &calls.box));
    GIVES(-ESRCH, "tgkill", 1, 2, 6, 0);
    CHECK_STEP(check_call_ends(check, &calls.box, SCONCE_E_GUEST_ABORT, POISONED, "call",
                               SYSTEM_CALL("tgkill", 1, 1, 6, 0)));
    CHECK(check, err->guest_code == 134 && strstr(err->text, "SIGABRT"), "code %d: %s",
          err->guest_code, err->text);
    return check_box_recover(check, &calls.box);
}

static enum check_outcome check_syscall_deadlock(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_box_keep_start(check, &calls.box));
    GIVES(0, "futex", calls.memory, 129, 1, 0);
    GIVES(-EAGAIN, "futex", calls.memory, 128, 1, 0);
    GIVES(-ETIMEDOUT, "futex", calls.memory, 128, 0, calls.memory + 64);
    CHECK_STEP(check_call_ends(check, &calls.box, SCONCE_E_GUEST_ABORT, POISONED, "call",
                               SYSTEM_CALL("futex", calls.memory, 128, 0, 0)));
    CHECK(check, strstr(calls.box.err.text, "deadlock"), "it says: %s", calls.box.err.text);
    return check_box_recover(check, &calls.box);
}

static void keep_trace(void *ctx, const struct sconce_trace *trace)
{
    struct check_calls *calls = ctx;

    calls->traced++;
    calls->last = *trace;
}

static void trace(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->trace = keep_trace;
    options->trace_ctx = box->ctx;
}

static enum check_outcome check_syscall_denied(struct check *check)
{
    static const char *const names[] = {"socket", "clone",      "clone3", "execve",
                                        "fstat",  "newfstatat", "rseq",   "nobodys"};
    const size_t count = sizeof names / sizeof names[0];
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {.box.choose = trace};
    struct sconce_stats stats = {.size = sizeof stats};

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    for (size_t i = 0; i < count; i++) {
        GIVES(-ENOSYS, names[i], i, 2, 3, 4);
        CHECK(check, calls.traced == i + 1, "%llu calls were traced, not %zu",
              (unsigned long long)calls.traced, i + 1);
        CHECK(check, calls.last.result == -ENOSYS && calls.last.args[0] == i,
              "the trace tells of another call");
        CHECK(check,
              calls.last.name ? strcmp(calls.last.name, names[i]) == 0
                              : strcmp(names[i], "nobodys") == 0,
              "the trace calls %s %s", names[i], calls.last.name ? calls.last.name : "nothing");
    }
    GIVES(-ENOENT, "openat", calls.memory, 0, 0, 0);
    CHECK(check, sconce_sandbox_stats(calls.box.sandbox, &stats) == 0, "no statistics");
    CHECK(check, stats.denied_traps == count && stats.traps == count + 1,
          "%llu of %llu traps were denied", (unsigned long long)stats.denied_traps,
          (unsigned long long)stats.traps);
    return CHECK_OK;
}

/* In the place of a pointer: what is not the guest's, or not all of it, or not to be written. */
static enum check_outcome check_syscall_hostile(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close)
    struct check_calls calls = {.box.choose = check_calls_separate};
    uint64_t code, in, boot, heap, bytes;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_calls_ask(check, &calls, "code_address", WITHOUT, &code));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_IN_ADDR, &in));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_BOOT_ADDR, &boot));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_HEAP_ADDR, &heap));
    CHECK_STEP(check_calls_boot_word(check, &calls, CHECK_BOOT_HEAP_BYTES, &bytes));
    {
        const uint64_t nowhere[] = {0,          heap + bytes,      heap + bytes - 4, 0xfffffffff000,
                                    1ull << 63, UINT64_MAX - 4096, UINT64_MAX};
        const uint64_t read_only[] = {code, in, boot};

        calls.input = "input that nobody can take";
        for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
            GIVES(-EFAULT, "write", 1, nowhere[i], 8, 0);
            GIVES(-EFAULT, "writev", 1, nowhere[i], 1, 0);
            GIVES(-EFAULT, "read", 0, nowhere[i], 8, 0);
            GIVES(-EFAULT, "clock_gettime", 0, nowhere[i], 0, 0);
            GIVES(-EFAULT, "getrandom", nowhere[i], 8, 0, 0);
        }
        for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++) {
            GIVES(-EFAULT, "read", 0, read_only[i], 8, 0);
            GIVES(-EFAULT, "clock_gettime", 0, read_only[i], 0, 0);
            GIVES(-EFAULT, "getrandom", read_only[i], 8, 0, 0);
            GIVES(-EFAULT, "rt_sigprocmask", 0, 0, read_only[i], 8);
        }
    }
    GIVES(-EFAULT, "write", 1, calls.memory, UINT64_MAX, 0);
    GIVES(-EFAULT, "write", 1, calls.memory, 1ull << 40, 0);
    GIVES(-EINVAL, "writev", 1, calls.memory, 1025, 0);
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 8, UINT64_MAX));
    GIVES(-EINVAL, "writev", 1, calls.memory, 1, 0);
    CHECK(check, calls.box.printed_bytes == 0, "something was printed: \"%s\"", calls.box.printed);
    CHECK(check, strlen(calls.input) == 26, "input was taken");
    return CHECK_OK;
}

static enum check_outcome check_syscall_tls(struct check *check)
{
    SCONCE_CLEANUP(check_calls_close) struct check_calls calls = {0};
    uint64_t word;

    CHECK_STEP(check_calls_open(check, &calls, NULL));
    CHECK_STEP(check_calls_put(check, &calls, calls.memory + 128, 0x5ca1ab1e));
    CHECK_STEP(
        check_calls_ask(check, &calls, "set_tls", WITH(check_u64(calls.memory + 128)), &word));
    CHECK(check, word == 0, "setting the thread pointer gave %lld", (long long)word);
    for (int i = 0; i < 2; i++) { /* it stays, from call to call */
        CHECK_STEP(check_calls_ask(check, &calls, "tls_word", WITHOUT, &word));
        CHECK(check, word == 0x5ca1ab1e, "the thread pointer leads to 0x%llx",
              (unsigned long long)word);
        GIVES(1, "getpid", 0, 0, 0, 0);
    }
    return CHECK_OK;
}

const struct check_row check_syscalls_rows[] = {
    {"syscall.memory", "brk, mmap and their like give memory of the heap, and snapshots keep it",
     CHECK_NEEDS_SANDBOX, check_syscall_memory},
    {"syscall.exit", "exit and signals to itself end the guest, with status and name",
     CHECK_NEEDS_SANDBOX, check_syscall_exit},
    {"syscall.deadlock", "waiting for what nobody will do ends the guest", CHECK_NEEDS_SANDBOX,
     check_syscall_deadlock},
    {"syscall.denied", "what is not served is ENOSYS, counted and traced", CHECK_NEEDS_SANDBOX,
     check_syscall_denied},
    {"syscall.hostile", "pointers to what is not the guest's are EFAULT", CHECK_NEEDS_SANDBOX,
     check_syscall_hostile},
    {"syscall.tls", "a guest's C library can set its thread pointer", CHECK_NEEDS_SANDBOX,
     check_syscall_tls},
    {NULL, NULL, 0, NULL},
};
