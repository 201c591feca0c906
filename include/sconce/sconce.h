/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsconce: run untrusted native functions in micro-VMs.
 *
 * A program makes a runtime (which reads the configuration), loads a guest (an ELF file; a backend
 * plugin is chosen for its architecture), makes sandboxes of it, calls the guest's exported
 * functions with typed arguments and serves the functions that it imports:
 *
 *     runtime -> guest -> sandbox -> call, call, ..., snapshot, restore
 *
 * A pool keeps sandboxes of one guest ready, and cleans them between users.
 *
 * Conventions
 *  - Functions return 0 or a negative SCONCE_E_* code, and then fill @err (which may be NULL); on
 *    success they leave it alone. No other pointer may be NULL unless it says so.
 *    Outputs (ret_...) are written on success only.
 *  - Pointers are borrowed until the function returns unless said otherwise. What ..._new, _load,
 *    _open and _snapshot give is the caller's, and goes back with the matching ..._free, which
 * takes NULL. Objects keep what they stand on alive: freeing in any order is safe.
 *  - Threads: a runtime, a guest and a pool may be used from any thread at once. A sandbox may be
 *    used from any thread, by one at a time: a second gets SCONCE_E_BUSY. sconce_sandbox_kick
 *    is the exception and may be called at any time, even from a signal handler.
 *  - After fork() the child gets SCONCE_E_FORKED for every handle that it inherited; freeing one
 *    there does nothing.
 *  - The library prints nothing, starts no thread but one for each pool and one for each sandbox
 * with exitless, and never exits or aborts. The first runtime installs a handler for one signal
 * (SIGURG, or [runtime] kick_signal) that interrupts calls; it passes on to the handler that was
 * there every signal that is not its own. A thread's first call unblocks that signal in it; a
 * thread that blocks it again makes its calls unstoppable. One such signal may come after a call
 * has ended (the timer is left armed): as with any handled signal, sleep, poll and their like then
 * return with EINTR.
 *
 * C11 and C++17. Since 0.1 unless said otherwise.
 */
#ifndef SCONCE_SCONCE_H
#define SCONCE_SCONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** sconce_version - the library's version, "0.1.0"; static. */
SCONCE_API const char *sconce_version(void);

/* ---- Configuration --------------------------------------------------------------------------- */

struct sconce_config;

/**
 * sconce_config_load - read a configuration file over the built-in defaults.
 * @path: the file; NULL means $SCONCE_CONFIG (ignored in set-user-ID programs), else the system's
 *   sconce.ini, which may be absent.
 * Errors: SCONCE_E_CONFIG with file:line, the key, and the nearest right key.
 */
SCONCE_API int sconce_config_load(const char *path, struct sconce_config **ret_config,
                                  struct sconce_error *err);

/**
 * sconce_config_set - override one setting.
 * @key: "section.key": "runtime.backend", "limits.deadline_ms", "backend.kvm-x86_64.device".
 * @origin: where the value came from, for sconce_config_each and messages ("--backend").
 */
SCONCE_API int sconce_config_set(struct sconce_config *config, const char *key, const char *value,
                                 const char *origin, struct sconce_error *err);

/**
 * sconce_config_each - call @fn for every setting in effect, in the order of sconce.ini(5).
 * @fn: its strings live until it returns. A non-zero return stops, and is returned.
 */
SCONCE_API int sconce_config_each(const struct sconce_config *config,
                                  int (*fn)(void *ctx, const char *key, const char *value,
                                            const char *origin, const char *help),
                                  void *ctx);

SCONCE_API void sconce_config_free(struct sconce_config *config);

/* ---- Runtime --------------------------------------------------------------------------------- */

#define SCONCE_LOG_ERROR 0u
#define SCONCE_LOG_WARNING 1u
#define SCONCE_LOG_INFO 2u
#define SCONCE_LOG_DEBUG 3u

/** A log sink. @key is a stable dotted identifier, @text one line. Any thread. It is called with
 * locks held, and must not call this library. */
typedef void (*sconce_log_fn)(void *ctx, uint32_t level, const char *key, const char *text);

/**
 * struct sconce_runtime_options - zero it, set @size and what you need.
 * @config: copied; NULL means sconce_config_load(NULL).
 * @log: NULL means silence; called for levels up to @log_level.
 */
struct sconce_runtime_options {
    uint32_t size; /* sizeof this struct */
    uint32_t log_level;
    const struct sconce_config *config;
    sconce_log_fn log;
    void *log_ctx;
};

struct sconce_runtime;

/**
 * sconce_runtime_new - make a runtime. Loads no plugin yet: that waits for the first guest.
 * @options: NULL for the defaults.
 */
SCONCE_API int sconce_runtime_new(const struct sconce_runtime_options *options,
                                  struct sconce_runtime **ret_runtime, struct sconce_error *err);

SCONCE_API void sconce_runtime_free(struct sconce_runtime *runtime);

/**
 * struct sconce_backend_info - what is known of a backend. Strings live until the callback returns,
 * or as long as the guest that it was asked of.
 */
struct sconce_backend_info {
    uint32_t size;
    uint32_t machine; /* ELF e_machine of its guests, 0 for any */
    const char *name;
    const char *version;
    const char *arch;
    const char *mechanism;
    const char *isolation; /* "vm", "process" or "none" */
    const char *status;    /* "verified", "double" or "experimental" */
    const char *requires_; /* what the machine must have, "" for nothing */
    const char *path;
    const char *description; /* after a probe; "" before */
    const char *problem;     /* why it cannot be used, "" when nothing is known against it */
    const char *hint;
};

/**
 * sconce_runtime_backends - call @fn for each backend file installed, from its ELF note: no plugin
 * code runs. Ordered as `auto` tries them, then those that `auto` does not try.
 */
SCONCE_API int sconce_runtime_backends(struct sconce_runtime *runtime,
                                       int (*fn)(void *ctx, const struct sconce_backend_info *info),
                                       void *ctx, struct sconce_error *err);

/**
 * sconce_runtime_probe - load one backend by name and try it, whatever its isolation.
 * @fn: called once, on success and on refusal (problem and hint say why).
 * Errors: those of the refusal.
 */
SCONCE_API int sconce_runtime_probe(struct sconce_runtime *runtime, const char *name,
                                    void (*fn)(void *ctx, const struct sconce_backend_info *info),
                                    void *ctx, struct sconce_error *err);

/* ---- Values ---------------------------------------------------------------------------------- */

#define SCONCE_TYPE_NONE 'n'
#define SCONCE_TYPE_BOOL 'b'
#define SCONCE_TYPE_I32 'i'
#define SCONCE_TYPE_U32 'u'
#define SCONCE_TYPE_I64 'l'
#define SCONCE_TYPE_U64 'm'
#define SCONCE_TYPE_F32 'f'
#define SCONCE_TYPE_F64 'd'
#define SCONCE_TYPE_STRING 's'
#define SCONCE_TYPE_BYTES 'y'

#define SCONCE_MAX_PARAMS 16u

/**
 * struct sconce_value - a typed argument or result.
 *
 * Strings are UTF-8 of the given length, which may hold NUL bytes; in a result a NUL follows the
 * last byte. Pointers in arguments are borrowed for the call; those in a call's result belong to
 * the sandbox and live until its next call, restore or free. Those in the result of a nested call
 * live until the host function makes another, or until its own result has been copied.
 */
struct sconce_value {
    uint32_t type; /* SCONCE_TYPE_* */
    uint32_t reserved0;
    union {
        bool boolean;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        float f32;
        double f64;
        struct {
            const void *data;
            size_t length; /* bytes */
        } span;            /* string and bytes */
    } as;
};

static inline struct sconce_value sconce_bool(bool v)
{
    struct sconce_value r = {SCONCE_TYPE_BOOL, 0, {0}};
    r.as.boolean = v;
    return r;
}

static inline struct sconce_value sconce_i32(int32_t v)
{
    struct sconce_value r = {SCONCE_TYPE_I32, 0, {0}};
    r.as.i32 = v;
    return r;
}

static inline struct sconce_value sconce_u32(uint32_t v)
{
    struct sconce_value r = {SCONCE_TYPE_U32, 0, {0}};
    r.as.u32 = v;
    return r;
}

static inline struct sconce_value sconce_i64(int64_t v)
{
    struct sconce_value r = {SCONCE_TYPE_I64, 0, {0}};
    r.as.i64 = v;
    return r;
}

static inline struct sconce_value sconce_u64(uint64_t v)
{
    struct sconce_value r = {SCONCE_TYPE_U64, 0, {0}};
    r.as.u64 = v;
    return r;
}

static inline struct sconce_value sconce_f32(float v)
{
    struct sconce_value r = {SCONCE_TYPE_F32, 0, {0}};
    r.as.f32 = v;
    return r;
}

static inline struct sconce_value sconce_f64(double v)
{
    struct sconce_value r = {SCONCE_TYPE_F64, 0, {0}};
    r.as.f64 = v;
    return r;
}

static inline struct sconce_value sconce_bytes(const void *data, size_t length)
{
    struct sconce_value r = {SCONCE_TYPE_BYTES, 0, {0}};
    r.as.span.data = data;
    r.as.span.length = length;
    return r;
}

/** sconce_string - a value of a NUL-terminated string; NULL is the empty one. */
SCONCE_API struct sconce_value sconce_string(const char *text);

/** sconce_type_name - "i32" for SCONCE_TYPE_I32; NULL for no type; static. */
SCONCE_API const char *sconce_type_name(uint32_t type);

/* ---- Guests ---------------------------------------------------------------------------------- */

struct sconce_guest;

/**
 * sconce_guest_load_file - load a guest ELF file and choose a backend for it.
 * @runtime: NULL only inspects: exports and imports can be listed, no sandbox can be made.
 * The file is read once, whole; later changes to it have no effect. A copy is kept as long as the
 * guest, for sconce_snapshot_save.
 * Errors: GUEST_FORMAT, NO_BACKEND, SYSTEM, NO_MEMORY.
 */
SCONCE_API int sconce_guest_load_file(struct sconce_runtime *runtime, const char *path,
                                      struct sconce_guest **ret_guest, struct sconce_error *err);

/** sconce_guest_load_memory - the same from @bytes bytes at @data; @name is for messages. */
SCONCE_API int sconce_guest_load_memory(struct sconce_runtime *runtime, const void *data,
                                        size_t bytes, const char *name,
                                        struct sconce_guest **ret_guest, struct sconce_error *err);

SCONCE_API void sconce_guest_free(struct sconce_guest *guest);

/**
 * struct sconce_guest_info - facts of the file. Strings live as long as the guest.
 */
struct sconce_guest_info {
    uint32_t size; /* sizeof this struct, set by the caller */
    uint32_t machine;
    uint32_t abi;   /* guest ABI version */
    uint32_t reloc; /* 1 host, 2 self */
    uint32_t export_count;
    uint32_t import_count;
    uint64_t base; /* added to the file's addresses */
    uint64_t entry;
    uint64_t image_bytes; /* memory that code and constants take, shared by sandboxes */
    uint64_t data_bytes;  /* memory that data takes in each sandbox */
    const char *name;
};

SCONCE_API void sconce_guest_describe(const struct sconce_guest *guest,
                                      struct sconce_guest_info *ret_info);

/**
 * struct sconce_signature - a function as the guest declares it; lives as long as the guest.
 * @text: "(bytes, i32) -> string".
 */
struct sconce_signature {
    const char *name;
    const char *text;
    uint32_t result; /* SCONCE_TYPE_* */
    uint32_t param_count;
    const char *params; /* param_count type letters */
};

/** sconce_guest_export - the @i-th exported function, sorted by name; false past the last. */
SCONCE_API bool sconce_guest_export(const struct sconce_guest *guest, uint32_t i,
                                    struct sconce_signature *ret_signature);

/** sconce_guest_import - the @i-th imported function, sorted by name; false past the last. */
SCONCE_API bool sconce_guest_import(const struct sconce_guest *guest, uint32_t i,
                                    struct sconce_signature *ret_signature);

/** sconce_guest_find - the number of the export called @name, for sconce_sandbox_call_index. */
SCONCE_API int sconce_guest_find(const struct sconce_guest *guest, const char *name,
                                 uint32_t *ret_i, struct sconce_error *err);

/** sconce_guest_backend - which backend runs this guest. False when it was loaded to inspect. */
SCONCE_API bool sconce_guest_backend(const struct sconce_guest *guest,
                                     struct sconce_backend_info *ret_info);

/**
 * sconce_guest_refusals - which better backends were passed over and why, a line each; "" when the
 * first choice was taken. Lives as long as the guest.
 */
SCONCE_API const char *sconce_guest_refusals(const struct sconce_guest *guest);

/* ---- Sandboxes ------------------------------------------------------------------------------- */

struct sconce_host_call;
struct sconce_snapshot;

/**
 * A function that the guest may call.
 * @call: for sconce_host_alloc; valid until the function returns.
 * @args: of the declared types; borrowed.
 * @ret: set to a value of the declared result type. Its bytes must stay until the function has
 *   returned and been copied: static, owned by @ctx, or from sconce_host_alloc.
 * Returns 0, or a non-zero code of its own with a text in @err->text: the guest's call then fails
 * with that code and text, and the guest goes on.
 * Runs on the thread that called the sandbox. On this thread it may call exports of that sandbox,
 * to the depth that limits.nesting allows: see sconce_sandbox_call. It must not use the sandbox
 * otherwise: snapshot and restore are SCONCE_E_BUSY, and it must not be freed. @args stay valid
 * whatever it calls. After a nested call that left the sandbox POISONED or DEAD it should return:
 * what it returns is dropped then.
 */
typedef int (*sconce_host_fn)(void *ctx, struct sconce_host_call *call,
                              const struct sconce_value *args, size_t arg_count,
                              struct sconce_value *ret, struct sconce_error *err);

/**
 * struct sconce_host_function - an offer to the guest.
 * @signature: "(string, i32) -> bytes"; types none bool i32 u32 i64 u64 f32 f64 string bytes.
 */
struct sconce_host_function {
    const char *name;
    const char *signature;
    sconce_host_fn fn;
    void *ctx;
};

/** sconce_host_alloc - @bytes bytes that live until the host function's result is copied. */
SCONCE_API void *sconce_host_alloc(struct sconce_host_call *call, size_t bytes);

/** What the guest prints. @text is UTF-8 as far as the guest kept to it: treat it as bytes. */
typedef void (*sconce_print_fn)(void *ctx, const char *text, size_t bytes);

/**
 * What the guest reads from its standard input.
 * Returns how many of the @bytes bytes at @data it filled; 0 at the end; negative when it failed,
 * which the guest sees as EIO. May wait: the deadline counts on, and is looked at when it returns.
 */
typedef int64_t (*sconce_input_fn)(void *ctx, void *data, size_t bytes);

/**
 * struct sconce_trace - one system call of the guest, as it was answered.
 */
struct sconce_trace {
    uint32_t size;    /* sizeof this struct */
    uint32_t ended;   /* 1: the guest does not run again, and there is no result */
    const char *name; /* static; NULL when the architecture has none for the number */
    uint64_t number;
    uint64_t args[6];
    uint32_t arg_count; /* of them mean something; 6 when nobody knows */
    uint32_t reserved0;
    int64_t result; /* or a negative errno of Linux */
};

/** Called for each trapped system call, behind its answer. */
typedef void (*sconce_trace_fn)(void *ctx, const struct sconce_trace *trace);

#define SCONCE_CLOCK_CONFIGURED 0u /* as [guest] clock says */
#define SCONCE_CLOCK_HOST 1u
#define SCONCE_CLOCK_FROZEN 2u /* always @clock_seconds since 1970 */
#define SCONCE_CLOCK_OFFSET 3u /* the host's time of day and @clock_seconds */

#define SCONCE_RANDOM_CONFIGURED 0u /* as [guest] random says */
#define SCONCE_RANDOM_HOST 1u
#define SCONCE_RANDOM_SEED 2u /* all that follows from @seed: for runs that can be had again */

#define SCONCE_EXITLESS_CONFIGURED 0u /* as [runtime] exitless says */
#define SCONCE_EXITLESS_ON 1u
#define SCONCE_EXITLESS_OFF 2u

/**
 * struct sconce_limits - 0 takes the configuration's value. Does not grow any more: it is part of
 * struct sconce_sandbox_options, at whose end limits to come will be.
 */
struct sconce_limits {
    uint64_t heap_bytes;
    uint64_t stack_bytes;
    uint64_t io_bytes;     /* of each direction's buffer */
    uint64_t deadline_ns;  /* of one call, host functions included; UINT64_MAX for none */
    uint64_t output_bytes; /* printed by one call */
    uint64_t host_calls;   /* made by one call */
    uint64_t traps;        /* system calls and handled faults in one call */
    uint64_t nesting;      /* calls that host functions make within one call, each in the last; at
                              most 1000, each of which takes about 8 KiB of the thread's stack */
};

/**
 * struct sconce_sandbox_options - zero it, set @size and what you need.
 * @functions: copied. More than the guest imports is fine; less is SCONCE_E_NO_IMPORT.
 * @print: NULL drops what the guest prints (limits still count it).
 *
 * All that follows is for what guests ask for by system calls, which sconce-guest(7) lists:
 * @args, @env: copied; strings for main(), and NAME=VALUE. Without @args there is one: the name
 * that the guest was loaded by. What does not fit the boot page's granule is SCONCE_E_LIMIT.
 * @print_error: what the guest writes to file descriptor 2; NULL: it goes to @print.
 * @input: NULL: the guest finds its standard input at its end.
 * @trace: NULL: nobody is told.
 * @seed: with SCONCE_RANDOM_SEED, 1 to 32 bytes. The boot page's seed then follows from it, too.
 * The callbacks run as @print does, and must not use the sandbox.
 *
 * @snapshot: NULL: the guest starts. Else a snapshot of this guest, borrowed until the function
 *   returns: the sandbox begins where that was taken, and nothing of the guest's start-up runs.
 *   Limits on memory that are 0 are the snapshot's; others must be the same as those. What @args
 *   and @env say reaches a guest that looks again.
 *
 * @window_bytes: room for what sconce_sandbox_attach hands to the guest, rounded up to a multiple
 *   of 64 KiB, at most 32 GiB; 0: limits.window_bytes of the configuration, which is none unless it
 *   says so. It takes address space; memory is taken by what is attached, and by pages that the
 * guest reads. Snapshots have no window, and go into sandboxes with any.
 * @exitless: SCONCE_EXITLESS_ON: where it can, a call leaves the guest's vCPU running. After a call
 *   the guest waits for the next one for a fraction of a millisecond, on a thread of the sandbox
 *   ("sconce-vcpu") and a processor of its own, and takes it without an exit; the caller waits for
 *   its answer in the same way. Both sleep when that takes too long, and calls are made as ever
 *   while it is not worth it: with a backend that is no VM, with fewer than two processors for each
 *   such sandbox of the process that is in use, or with a guest whose SDK is older. All signals are
 *   blocked in the thread but those of faults and the kick signal. SECURITY.md tells what a guest
 *   sees of it.
 */
struct sconce_sandbox_options {
    uint32_t size; /* sizeof this struct */
    uint32_t function_count;
    const struct sconce_host_function *functions;
    sconce_print_fn print;
    void *print_ctx;
    struct sconce_limits limits;
    const char *const *args;
    const char *const *env;
    uint32_t arg_count;
    uint32_t env_count;
    sconce_print_fn print_error;
    void *print_error_ctx;
    sconce_input_fn input;
    void *input_ctx;
    sconce_trace_fn trace;
    void *trace_ctx;
    uint32_t clock;  /* SCONCE_CLOCK_* */
    uint32_t random; /* SCONCE_RANDOM_* */
    int64_t clock_seconds;
    const void *seed;
    size_t seed_bytes;
    const struct sconce_snapshot *snapshot;
    uint64_t window_bytes;
    uint32_t exitless; /* SCONCE_EXITLESS_* */
    uint32_t reserved0;
};

struct sconce_sandbox;

#define SCONCE_STATE_READY 1u
#define SCONCE_STATE_RUNNING 2u
#define SCONCE_STATE_POISONED 3u /* restore or free only */
#define SCONCE_STATE_DEAD 4u     /* free only */

/**
 * sconce_sandbox_new - make a sandbox and run the guest's start-up code until it is ready, or put
 * a snapshot into it.
 * @options: NULL for no host functions and the configuration's limits.
 * Errors of a snapshot: those of sconce_sandbox_restore.
 */
SCONCE_API int sconce_sandbox_new(struct sconce_guest *guest,
                                  const struct sconce_sandbox_options *options,
                                  struct sconce_sandbox **ret_sandbox, struct sconce_error *err);

/** sconce_sandbox_free - NULL is fine. Nobody may be using it: not from its own callbacks or host
 * functions. */
SCONCE_API void sconce_sandbox_free(struct sconce_sandbox *sandbox);

/** sconce_sandbox_state - SCONCE_STATE_*; any thread. RUNNING from the outermost call's start to
 * its end, also while host functions run and make nested calls; POISONED or DEAD as soon as one of
 * these has ended so. */
SCONCE_API uint32_t sconce_sandbox_state(const struct sconce_sandbox *sandbox);

/**
 * sconce_sandbox_call - run one exported function to completion.
 * @ret_result: may be NULL when the result is of no interest. See struct sconce_value for how long
 *   its bytes live.
 * Errors: NO_FUNCTION, TYPE, LIMIT (arguments larger than the buffer) and GUEST_FAILED leave the
 *   sandbox READY; GUEST_FAULT, GUEST_ABORT, GUEST_EXIT, GUEST_PROTOCOL, LIMIT while running and
 *   KICKED leave it POISONED; BACKEND leaves it DEAD. A call of another thread's is BUSY.
 *
 * From a host function, on the sandbox and the thread that it serves, this is a nested call. It
 * shares deadline, kick and all counted limits with the outermost call. Errors that leave READY
 * behind otherwise leave all running here. The others end every call around it with the same error,
 * as soon as the host functions have returned. A call deeper than limits.nesting is LIMIT
 * (SCONCE_LIMIT_NESTING), and one to a guest of guest ABI 1, which cannot take it, BUSY; neither
 * changes anything.
 */
SCONCE_API int sconce_sandbox_call(struct sconce_sandbox *sandbox, const char *name,
                                   const struct sconce_value *args, size_t arg_count,
                                   struct sconce_value *ret_result, struct sconce_error *err);

/** sconce_sandbox_call_index - the same by the number from sconce_guest_find: no look-up. */
SCONCE_API int sconce_sandbox_call_index(struct sconce_sandbox *sandbox, uint32_t export_i,
                                         const struct sconce_value *args, size_t arg_count,
                                         struct sconce_value *ret_result, struct sconce_error *err);

/**
 * sconce_sandbox_kick - end the call that is running now.
 * Any thread, async-signal-safe. Returns 1 when a call was running: it will end with
 * SCONCE_E_KICKED (a host function that it is in returns first); 0 when none was, and then nothing
 * happens. The sandbox must not be freed meanwhile.
 */
SCONCE_API int sconce_sandbox_kick(struct sconce_sandbox *sandbox);

/**
 * struct sconce_stats - counts since the sandbox was made.
 */
struct sconce_stats {
    uint32_t size; /* sizeof this struct, set by the caller */
    uint32_t reserved0;
    uint64_t calls; /* nested ones too */
    uint64_t exits; /* times that the backend's run operation came back */
    uint64_t host_calls;
    uint64_t traps;
    uint64_t cancelled_exits; /* kicks, deadlines and spurious ones */
    uint64_t restores;
    uint64_t output_bytes;
    /* Of the system calls trapped, those that nobody serves (ENOSYS), and those that
     * asked for less access to memory than the guest went on to have. */
    uint64_t denied_traps;
    uint64_t protections_ignored;
    uint64_t rewinds;        /* of the restores, those that did not scrub registers */
    uint64_t exitless_calls; /* whose outcome came without an exit */
};

/** sconce_sandbox_stats - for the thread that uses the sandbox, its host functions included. */
SCONCE_API int sconce_sandbox_stats(const struct sconce_sandbox *sandbox,
                                    struct sconce_stats *ret_stats);

/* ---- Windows --------------------------------------------------------------------------------- */

/*
 * A window hands a guest more than the arguments of a call should carry: a file, a large buffer. It
 * is a range of the guest's memory that only the host writes; window_bytes of struct
 * sconce_sandbox_options says how large it may be. The guest finds what is attached by
 * sconce_window of its SDK, until it is replaced or detached. sconce_sandbox_restore and
 * sconce_sandbox_rewind detach it, and so what sconce_pool_give takes back has nothing attached. A
 * snapshot may be taken meanwhile: it has nothing attached, and the sandbox keeps what it has.
 */

/**
 * sconce_sandbox_attach - copy @bytes bytes at @data into the window of a READY sandbox, in the
 * place of what was attached. Behind them, to the window's end, the guest reads zeros.
 * @data: borrowed until the function returns; may be NULL when @bytes is 0, which detaches. What is
 *   mapped from a file that others may truncate is not for this: it would end the program by
 * SIGBUS, as any reading does. sconce_sandbox_attach_fd has an error for it. Errors: LIMIT
 * (SCONCE_LIMIT_MEMORY) when the window is smaller, or there is none; STATE, BUSY, FORKED. All of
 * them leave what was attached as it was.
 */
SCONCE_API int sconce_sandbox_attach(struct sconce_sandbox *sandbox, const void *data, size_t bytes,
                                     struct sconce_error *err);

/**
 * sconce_sandbox_attach_fd - the same with @bytes bytes of a file from @offset on, read straight
 * into the window. What becomes of the file afterwards is of no matter to the guest.
 * @fd: open for reading, of something that can be read at an offset: no pipe or terminal. It stays
 *   the caller's, and where it stands does not change.
 * Errors: those of sconce_sandbox_attach; INVALID: no file is so large; and SYSTEM when it cannot
 * be read or ends too soon: then nothing is attached, neither this nor what was before.
 */
SCONCE_API int sconce_sandbox_attach_fd(struct sconce_sandbox *sandbox, int fd, uint64_t offset,
                                        uint64_t bytes, struct sconce_error *err);

/**
 * sconce_sandbox_detach - the window is empty then, and every byte of it zero. Whatever state the
 * sandbox is in, and whether or not anything was attached. Of up to 16 MiB the memory is kept for
 * what is attached next; of more it goes back to the system, where the backend allows it (the KVM
 * backends do), or with the sandbox. Errors: BUSY, FORKED.
 */
SCONCE_API int sconce_sandbox_detach(struct sconce_sandbox *sandbox, struct sconce_error *err);

/* ---- Snapshots ------------------------------------------------------------------------------- */

/**
 * sconce_sandbox_snapshot - copy the state of a READY sandbox. A snapshot takes one file
 * descriptor, one mapping, and the memory that the guest has touched.
 */
SCONCE_API int sconce_sandbox_snapshot(struct sconce_sandbox *sandbox,
                                       struct sconce_snapshot **ret_snapshot,
                                       struct sconce_error *err);

/**
 * sconce_sandbox_restore - put back a snapshot of this sandbox, or of another one of the same guest
 * with the same limits on memory. READY and POISONED sandboxes can be restored. Registers are
 * scrubbed, the call buffers zeroed. A failure of the backend leaves it DEAD; a snapshot that asks
 * to be resumed where no guest can be is SCONCE_E_GUEST_PROTOCOL and leaves it POISONED, and so may
 * SCONCE_E_NO_MEMORY. It costs a copy of each page that either the snapshot has or the guest
 * touched, but for what a sandbox that began as @snapshot shares with it. With a backend that can
 * tell, a restore to the snapshot that memory last was costs each page that any call has written
 * since then, and the time that such a page takes to be written shows the guest that it is one:
 * SECURITY.md.
 */
SCONCE_API int sconce_sandbox_restore(struct sconce_sandbox *sandbox,
                                      const struct sconce_snapshot *snapshot,
                                      struct sconce_error *err);

/**
 * sconce_sandbox_rewind - the same for the same user: memory is put back, registers are not
 * scrubbed. What a guest left in them, or in the processor besides, the next call of a guest that
 * looks for it may find; so it is for one client's calls, and sconce_sandbox_restore for what comes
 * between two clients. It spares the backend's work on registers, which is most of a restore. Where
 * the guest cannot be rewound (it is POISONED, or its SDK older than guest ABI 2) this restores.
 * Errors: sconce_sandbox_restore's.
 */
SCONCE_API int sconce_sandbox_rewind(struct sconce_sandbox *sandbox,
                                     const struct sconce_snapshot *snapshot,
                                     struct sconce_error *err);

SCONCE_API void sconce_snapshot_free(struct sconce_snapshot *snapshot);

/*
 * Snapshots in files: sconce-snapshot(5). A directory is an OCI image layout, in which each
 * snapshot has a tag: a letter, digit or "_" and up to 127 of these, "." and "-". A library without
 * the libraries for them says SCONCE_E_SNAPSHOT.
 */

/**
 * sconce_snapshot_save - write @snapshot and its guest's file into @layout_dir, which is made when
 * it is missing. Whatever had the tag loses it when all is on the disk. Writers wait for each
 * other. Any number of threads may save one snapshot. SOURCE_DATE_EPOCH in the environment, when
 * set, is when it says that it was made. Errors: INVALID (the tag), SNAPSHOT (what is there cannot
 * be read), SYSTEM, NO_MEMORY, FORKED.
 */
SCONCE_API int sconce_snapshot_save(const struct sconce_snapshot *snapshot, const char *layout_dir,
                                    const char *tag, struct sconce_error *err);

/**
 * sconce_snapshot_open - read a snapshot and its guest. Who wrote it does not matter: it is checked
 * to be what a guest could have brought about, takes no more memory than the runtime's limits
 * allow, and can do no more than a guest. It may come from another backend of the architecture.
 * @ret_guest: what sandboxes are to be made of, with the snapshot in their options.
 * Errors: SNAPSHOT (the text says which file, and why; also when it was taken on a processor that
 *   has more than this one), LIMIT, INVALID (the tag), those of sconce_guest_load_memory.
 */
SCONCE_API int sconce_snapshot_open(struct sconce_runtime *runtime, const char *layout_dir,
                                    const char *tag, struct sconce_guest **ret_guest,
                                    struct sconce_snapshot **ret_snapshot,
                                    struct sconce_error *err);

/**
 * sconce_snapshot_verify - check everything that sconce_snapshot_open checks, but for the machine:
 * neither a backend nor its processor is asked for.
 */
SCONCE_API int sconce_snapshot_verify(struct sconce_runtime *runtime, const char *layout_dir,
                                      const char *tag, struct sconce_error *err);

/**
 * struct sconce_snapshot_info - what an image layout says of a snapshot. Strings live until the
 * callback returns.
 */
struct sconce_snapshot_info {
    uint32_t size;
    uint32_t guest_abi;
    const char *tag;    /* "" when it has none, or a text that is no tag: see @problem */
    const char *digest; /* of its manifest: "sha256:..." */
    const char *created;
    const char *guest; /* its file's name */
    const char *arch;  /* "amd64", "arm64" */
    uint64_t guest_bytes;
    uint64_t memory_bytes; /* compressed */
    uint64_t heap_bytes;
    const char *problem; /* why it is none, "" when nothing is known against it */
    const char *hint;
};

/**
 * sconce_snapshot_each - call @fn for each entry of @layout_dir, in the index's order, from its
 * documents alone: guests and memory are for sconce_snapshot_verify. A non-zero return stops, and
 * is returned.
 */
SCONCE_API int sconce_snapshot_each(const char *layout_dir,
                                    int (*fn)(void *ctx, const struct sconce_snapshot_info *info),
                                    void *ctx, struct sconce_error *err);

#ifdef __cplusplus
}
#endif

#include <sconce/pool.h>

#endif
