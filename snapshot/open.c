/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot out of an image layout. Nothing of it is believed: digests show that it is what its
 * manifest says, not that whoever wrote that is anybody's friend. The guest goes through the loader
 * as any guest does, its permissions come from there alone, and the core holds all the rest against
 * what a guest could have done.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/config-internal.h"
#include "snapshot/documents.h"
#include "snapshot/memory.h"

/* What zstd makes of bytes that do not compress, and a little. */
#define COMPRESSED_MOST(bytes) ((bytes) + (bytes) / 128 + (1u << 20))

struct opening {
    struct sconce_store store;
    const char *tag;
    struct sconce_limits limits;
    uint64_t image_bytes;
    struct sconce_manifest manifest;
    struct sconce_snapshot_config config;
};

static void close_opening(struct opening *o)
{
    sconce_store_close(&o->store);
    sconce_snapshot_config_fini(&o->config);
}

/* What the core or the loader found says nothing of where it was. @r: what they returned. */
static int tell_where(const struct opening *o, int r, struct sconce_error *err)
{
    if (r < 0)
        sconce_error_prefix(err, "snapshot %.256s:%s", o->store.path, o->tag);
    return r;
}

static int open_documents(struct opening *o, const struct sconce_runtime *runtime,
                          const char *layout_dir, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *index = NULL;
    struct sconce_descriptor blob;
    int r = sconce_runtime_caps(runtime, &o->limits, &o->image_bytes, err);

    if (!r)
        r = sconce_tag_check(o->tag, err);
    if (!r)
        r = sconce_store_open(layout_dir, &o->store, err);
    if (!r)
        r = sconce_documents_index(&o->store, &index, err);
    if (!r)
        r = sconce_index_find(index, o->tag, layout_dir, &blob, err);
    if (!r)
        r = sconce_documents_load(&o->store, &blob, &o->manifest, &o->config, err);
    return r;
}

/* Features of another architecture have other names, and say nothing. */
static int check_machine(const struct opening *o, struct sconce_error *err)
{
    const uint32_t here = sconce_cpu_machine(), there = o->config.machine;

    if (here == EM_NONE || there == here)
        return 0;
    sconce_fail(err, SCONCE_E_SNAPSHOT, "it is for %s, this machine is %s",
                sconce_architecture_name(there), sconce_architecture_name(here));
    if (err)
        snprintf(err->hint, sizeof err->hint,
                 "use a machine of %s, or take a snapshot of the guest built for %s",
                 sconce_architecture_name(there), sconce_architecture_name(here));
    return SCONCE_E_SNAPSHOT;
}

/* A guest's C library has chosen by what there was. */
static int check_cpu(const struct opening *o, struct sconce_error *err)
{
    struct sconce_cpu here;
    char missing[256];

    sconce_cpu_look(&here);
    if (!sconce_cpu_lacks(&here, &o->config.cpu, missing, sizeof missing))
        return 0;
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT,
                            "take the snapshot anew on this machine, or on the oldest of those "
                            "that it is for",
                            "it was taken on a processor with features that this one lacks: %s",
                            missing);
}

/* @runtime: NULL to inspect. */
static int load_guest(const struct opening *o, struct sconce_runtime *runtime,
                      struct sconce_guest **ret_guest, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    struct sconce_guest_info info = {.size = sizeof info};
    struct sconce_guest *guest;
    size_t bytes;
    int r = sconce_blob_load(&o->store, &o->manifest.guest, o->image_bytes, &data, &bytes, err);

    if (r < 0)
        return r;
    r = sconce_guest_load_capped(runtime, data, bytes, o->config.guest_name, o->image_bytes, &guest,
                                 err);
    if (r < 0)
        return tell_where(o, r, err);
    sconce_guest_describe(guest, &info);
    if (info.machine == o->config.machine && info.abi == o->config.guest_abi) {
        *ret_guest = guest;
        return 0;
    }
    sconce_guest_free(guest);
    return sconce_fail(err, SCONCE_E_SNAPSHOT,
                       "snapshot %.256s:%s has a guest of another architecture or guest ABI than "
                       "its config says",
                       o->store.path, o->tag);
}

static int read_blob(void *ctx, void *to, size_t bytes, size_t *ret_got, struct sconce_error *err)
{
    return sconce_blob_read(ctx, to, bytes, ret_got, err);
}

static void cleanup_reader(struct sconce_memory_reader *const *reader)
{
    sconce_memory_close(*reader);
}

static int fill_from(const struct opening *o, struct sconce_snapshot *snapshot,
                     struct sconce_blob_reader *blob, struct sconce_error *err)
{
    const struct sconce_memory_input input = {read_blob, blob};
    SCONCE_CLEANUP(cleanup_reader) struct sconce_memory_reader *reader = NULL;
    struct sconce_snapshot_source source = {.read = sconce_memory_read};
    int r = sconce_memory_open(&input, "its memory", sconce_snapshot_room_bytes(snapshot), &reader,
                               err);

    if (r < 0)
        return tell_where(o, r, err);
    source.ctx = reader;
    source.stretches = reader->stretches;
    source.count = reader->count;
    r = sconce_snapshot_fill(snapshot, &source, err);
    if (!r)
        r = sconce_memory_end(reader, err);
    return tell_where(o, r, err);
}

/* Where the bytes are not those of the digest, that is why nothing can be made of them. */
static int explain(struct sconce_blob_reader *blob, int result, struct sconce_error *err)
{
    struct sconce_error changed = {0};
    uint8_t rest[4096];
    size_t got;
    int r = 0;

    while (!r && blob->left)
        r = sconce_blob_read(blob, rest, sizeof rest, &got, &changed);
    if (!r)
        r = sconce_blob_check(blob, &changed);
    if (!r)
        return result;
    if (err)
        *err = changed;
    return r;
}

/* Nobody has seen the memory before its digest was found right. */
static int load_memory(const struct opening *o, struct sconce_snapshot *snapshot,
                       struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_blob_close) struct sconce_blob_reader blob = SCONCE_BLOB_READER_EMPTY;
    int r = sconce_blob_open(&o->store, &o->manifest.memory,
                             COMPRESSED_MOST(sconce_snapshot_room_bytes(snapshot)), &blob, err);

    if (r < 0)
        return r;
    r = fill_from(o, snapshot, &blob, err);
    if (!r || r == SCONCE_E_SNAPSHOT)
        return explain(&blob, r, err);
    return r;
}

static void cleanup_guest(struct sconce_guest *const *guest)
{
    sconce_guest_free(*guest);
}

static void cleanup_snapshot(struct sconce_snapshot *const *snapshot)
{
    sconce_snapshot_free(*snapshot);
}

static int load(const struct opening *o, struct sconce_runtime *runtime,
                struct sconce_guest **ret_guest, struct sconce_snapshot **ret_snapshot,
                struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_guest) struct sconce_guest *guest = NULL;
    SCONCE_CLEANUP(cleanup_snapshot) struct sconce_snapshot *snapshot = NULL;
    int r = load_guest(o, runtime, &guest, err);

    if (r < 0)
        return r;
    r = tell_where(o, sconce_snapshot_make(guest, &o->limits, &o->config.parts, &snapshot, err),
                   err);
    if (!r)
        r = load_memory(o, snapshot, err);
    if (r < 0)
        return r;
    *ret_guest = SCONCE_STEAL(guest);
    *ret_snapshot = SCONCE_STEAL(snapshot);
    return 0;
}

int sconce_snapshot_open(struct sconce_runtime *runtime, const char *layout_dir, const char *tag,
                         struct sconce_guest **ret_guest, struct sconce_snapshot **ret_snapshot,
                         struct sconce_error *err)
{
    SCONCE_CLEANUP(close_opening) struct opening o = {.store = SCONCE_STORE_EMPTY, .tag = tag};
    int r = open_documents(&o, runtime, layout_dir, err);

    if (!r)
        r = tell_where(&o, check_machine(&o, err), err);
    if (!r)
        r = tell_where(&o, check_cpu(&o, err), err);
    return r ? r : load(&o, runtime, ret_guest, ret_snapshot, err);
}

int sconce_snapshot_verify(struct sconce_runtime *runtime, const char *layout_dir, const char *tag,
                           struct sconce_error *err)
{
    SCONCE_CLEANUP(close_opening) struct opening o = {.store = SCONCE_STORE_EMPTY, .tag = tag};
    SCONCE_CLEANUP(cleanup_guest) struct sconce_guest *guest = NULL;
    SCONCE_CLEANUP(cleanup_snapshot) struct sconce_snapshot *snapshot = NULL;
    int r = open_documents(&o, runtime, layout_dir, err);

    return r ? r : load(&o, NULL, &guest, &snapshot, err);
}
