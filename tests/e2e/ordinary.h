/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of examples with an ordinary C library share: an example in a sandbox, the same as
 * a native program, and that both come to the same. Each helper fails the running test by itself.
 */
#ifndef SCONCE_TESTS_E2E_ORDINARY_H
#define SCONCE_TESTS_E2E_ORDINARY_H

#include "e2e.h"

#define ORDINARY_ARGS_MAX 4u

/* Bytes of the helper's; free() @data. A NUL follows them. */
struct ordinary_bytes {
    char *data;
    size_t length;
};

struct ordinary {
    const char *name;
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_sandbox *sandbox;
    struct sconce_snapshot *fresh; /* of the sandbox before its first call */
    struct ordinary_bytes printed; /* by the call that was last */
};

/**
 * ordinary_open - the example @name in a sandbox on the backend of this run. Its imports return
 * their first argument.
 * @deadline_ms: of each call; 0 for one that an emulated processor does not reach.
 */
void ordinary_open(struct ordinary *example, const char *name, unsigned deadline_ms);
void ordinary_close(struct ordinary *example);

/** ordinary_input - the path of an input: static, until the next call. */
const char *ordinary_input(const char *name);
struct ordinary_bytes ordinary_read(const char *path);

/**
 * ordinary_call - call @function with words as in ordinary_same.
 * Returns what sconce_sandbox_call does.
 */
int ordinary_call(struct ordinary *example, const char *function, const char *const *words,
                  struct sconce_value *ret_result, struct sconce_error *err);

/**
 * ordinary_same - call @function in the sandbox and in the native program; result, what was
 * printed, and the failure's code and text must be the same to the byte.
 * @words: arguments, ended by NULL; "@NAME" is the contents of the input NAME.
 * Returns whether the call succeeded.
 */
bool ordinary_same(struct ordinary *example, const char *function, const char *const *words);
#define ORDINARY_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/** ordinary_traps - system calls of the sandbox so far. */
uint64_t ordinary_traps(const struct ordinary *example);

void ordinary_restore(struct ordinary *example);

#endif
