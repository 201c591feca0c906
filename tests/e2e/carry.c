/* SPDX-License-Identifier: Apache-2.0 */
#include "carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKENDS_MOST 8u

static const char *backends[BACKENDS_MOST];
static unsigned backend_count;

struct sconce_runtime *carry_runtime(const char *backend)
{
    struct sconce_config *config =
        e2e_config("runtime.backend", backend, "runtime.isolation", "any", (char *)NULL);
    const struct sconce_runtime_options options = {.size = sizeof options, .config = config};
    struct sconce_runtime *runtime;
    struct sconce_error err = {0};

    e2e_ok(sconce_runtime_new(&options, &runtime, &err), &err);
    sconce_config_free(config);
    return runtime;
}

struct place carry_begin(const char *backend, const char *guest)
{
    struct place place = {.runtime = carry_runtime(backend)};

    place.guest = e2e_guest(place.runtime, guest);
    place.sandbox = e2e_sandbox(place.guest, NULL);
    return place;
}

struct place carry_begin_file(const char *backend, const char *path)
{
    struct place place = {.runtime = carry_runtime(backend)};
    struct sconce_error err = {0};

    e2e_ok(sconce_guest_load_file(place.runtime, path, &place.guest, &err), &err);
    place.sandbox = e2e_sandbox(place.guest, NULL);
    return place;
}

void carry_save(struct place *place, const char *dir, const char *tag)
{
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_snapshot(place->sandbox, &snapshot, &err), &err);
    e2e_ok(sconce_snapshot_save(snapshot, dir, tag, &err), &err);
    sconce_snapshot_free(snapshot);
}

struct place carry_go_on(const char *backend, const char *dir, const char *tag)
{
    struct place place = {.runtime = carry_runtime(backend)};
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_error err = {0};

    e2e_ok(sconce_snapshot_verify(place.runtime, dir, tag, &err), &err);
    e2e_ok(sconce_snapshot_open(place.runtime, dir, tag, &place.guest, &place.snapshot, &err),
           &err);
    options.snapshot = place.snapshot;
    place.sandbox = e2e_sandbox(place.guest, &options);
    return place;
}

void carry_end(struct place *place)
{
    sconce_sandbox_free(place->sandbox);
    sconce_snapshot_free(place->snapshot);
    sconce_guest_free(place->guest);
    sconce_runtime_free(place->runtime);
}

struct sconce_value carry_call(struct place *place, const char *function,
                               const struct sconce_value *args, size_t count)
{
    struct sconce_value result = {0};
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(place->sandbox, function, args, count, &result, &err), &err);
    return result;
}

void carry_each_pair(void (*carry)(const char *from, const char *to, const char *dir),
                     const char *dir)
{
    for (unsigned i = 0; i < backend_count; i++)
        for (unsigned j = 0; j < backend_count; j++)
            carry(backends[i], backends[j], dir);
}

static void ignore_info(void *ctx, const struct sconce_backend_info *info)
{
    (void)ctx;
    (void)info;
}

void carry_backends(void)
{
    char *names = strdup(getenv("SCONCE_TEST_BACKENDS"));
    char *next = NULL;

    for (char *name = strtok_r(names, " ", &next); name; name = strtok_r(NULL, " ", &next)) {
        struct sconce_runtime *runtime = carry_runtime(name);
        struct sconce_error err = {0};

        if (sconce_runtime_probe(runtime, name, ignore_info, NULL, &err) < 0)
            printf("%s is left out: %s\n", name, err.text);
        else
            backends[backend_count++] = name; /* lives as long as the program */
        sconce_runtime_free(runtime);
    }
    if (backend_count == 0) {
        printf("skipped: none of these backends can be used here\n");
        exit(77);
    }
    printf("carried between %u backends\n", backend_count);
}
