/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the end-to-end tests share: runtimes on the build tree's backends, the test guests, and what
 * this process holds. Each helper fails the running test by itself.
 */
#ifndef SCONCE_TESTS_E2E_H
#define SCONCE_TESTS_E2E_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sconce/sconce.h>

/** e2e_config - no file, the build tree's plugins, then "key", "value", ..., NULL. */
struct sconce_config *e2e_config(const char *first_key, ...) __attribute__((sentinel));

/** e2e_runtime - on that backend alone. */
struct sconce_runtime *e2e_runtime(void);
struct sconce_guest *e2e_guest(struct sconce_runtime *runtime, const char *name);

/** e2e_backend - the backend that this run of the test is about, and what its wall is. From the
 * environment: SCONCE_TEST_BACKEND, SCONCE_TEST_ISOLATION ("vm", "process"). */
const char *e2e_backend(void);
const char *e2e_isolation(void);

/** e2e_is_sanitized - does a sanitizer's allocator stand in for libc's? Unlike that, it may be
 * locked for ever in a child that is forked while another thread allocates. */
bool e2e_is_sanitized(void);

/** e2e_require_backend - exit with 77 and the reason when this machine cannot run it. Leaves no
 * trace in this process. */
void e2e_require_backend(void);

/**
 * e2e_sandbox - a sandbox of @guest whose every import is served by e2e_echo.
 * @options: limits and print function; NULL for none.
 */
struct sconce_sandbox *e2e_sandbox(struct sconce_guest *guest,
                                   const struct sconce_sandbox_options *options);

#define E2E_MOST_IMPORTS 64u

/** e2e_offer - put an offer of e2e_echo for each of @guest's imports into @options, which goes on
 * to point at @offers. */
void e2e_offer(struct sconce_guest *guest, struct sconce_host_function offers[E2E_MOST_IMPORTS],
               struct sconce_sandbox_options *options);

/** e2e_echo - a host function that returns its first argument, or fails when that has another type
 * than the result. */
int e2e_echo(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
             size_t arg_count, struct sconce_value *ret, struct sconce_error *err);

/** e2e_ok - fail with the error's text unless @result is 0. */
#define e2e_ok(result, err)                                                                        \
    do {                                                                                           \
        if ((result) < 0)                                                                          \
            fail_msg("%s (%s)", (err)->text, (err)->hint);                                         \
    } while (0)

/** e2e_says - does the error's text or hint hold @part? Fails with both when not. */
void e2e_says(const struct sconce_error *err, const char *part);

unsigned e2e_fds(void);
unsigned e2e_mappings(void);

#endif
