/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests share that carry snapshots in files from each backend to each. From the
 * environment: SCONCE_TEST_BACKENDS, names with blanks between, all of one architecture; those that
 * cannot be used here are left out. Each helper fails the running test.
 */
#ifndef SCONCE_TESTS_CARRY_H
#define SCONCE_TESTS_CARRY_H

#include "e2e.h"

#include "scratch.h"

/* Where a guest is. */
struct place {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_snapshot *snapshot; /* that it began as, or NULL */
    struct sconce_sandbox *sandbox;
};

/** carry_backends - find those that can be used; exits with 77 when there is none. To be called
 * before the framework starts. */
void carry_backends(void);

/** carry_runtime - on @backend alone. */
struct sconce_runtime *carry_runtime(const char *backend);

/** carry_begin - the guest @name starts on @backend. */
struct place carry_begin(const char *backend, const char *guest);

/** carry_begin_file - the same with a file's path. */
struct place carry_begin_file(const char *backend, const char *path);

void carry_save(struct place *place, const char *dir, const char *tag);

/** carry_go_on - with what was saved, on @backend. */
struct place carry_go_on(const char *backend, const char *dir, const char *tag);

void carry_end(struct place *place);

/** carry_call - what it points to lives until the next call. */
struct sconce_value carry_call(struct place *place, const char *function,
                               const struct sconce_value *args, size_t count);

#define CALL(place, function) carry_call(place, function, NULL, 0)
#define CALL_WITH(place, function, ...)                                                            \
    carry_call(place, function, (const struct sconce_value[]){__VA_ARGS__}, 1)

/** carry_each_pair - @carry, from each backend to each, itself included. */
void carry_each_pair(void (*carry)(const char *from, const char *to, const char *dir),
                     const char *dir);

#define CARRY_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

#endif
