/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"
#include "e2e.h"

#include <limits.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *ret_bytes)
{
    FILE *file = fopen(path, "r");
    char *data;
    long bytes;

    if (!file)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    bytes = ftell(file);
    rewind(file);
    data = calloc(1, (size_t)bytes + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)bytes, file), bytes);
    fclose(file);
    *ret_bytes = (size_t)bytes;
    return data;
}

void layout_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static const char *path_of(const char *dir, const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

const char *layout_blob_path(const struct layout *layout, const char *hex)
{
    char name[96];

    snprintf(name, sizeof name, "blobs/sha256/%s", hex);
    return path_of(layout->dir, name);
}

char *layout_blob(const struct layout *layout, const char *hex, size_t *ret_bytes)
{
    return read_file(layout_blob_path(layout, hex), ret_bytes);
}

const char *layout_save(struct sconce_runtime *runtime, const char *dir, const char *guest_name)
{
    struct sconce_guest *guest = e2e_guest(runtime, guest_name);
    struct sconce_sandbox *sandbox = e2e_sandbox(guest, NULL);
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_snapshot(sandbox, &snapshot, &err), &err);
    e2e_ok(sconce_snapshot_save(snapshot, dir, "t", &err), &err);
    sconce_snapshot_free(snapshot);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    return dir;
}

/* The digits behind the @n-th digest in @text. */
static void take_digest(const char *text, unsigned n, char ret_hex[65])
{
    for (const char *at = text;; n--) {
        at = strstr(at, "sha256:");
        assert_non_null(at);
        at += strlen("sha256:");
        if (n)
            continue;
        memcpy(ret_hex, at, 64);
        ret_hex[64] = '\0';
        return;
    }
}

struct layout layout_look(const char *dir)
{
    struct layout layout = {.dir = dir};
    size_t bytes;
    char *text = read_file(path_of(dir, "index.json"), &bytes);

    take_digest(text, 0, layout.manifest);
    free(text);
    text = layout_blob(&layout, layout.manifest, &bytes);
    take_digest(text, 0, layout.config);
    take_digest(text, 1, layout.guest);
    take_digest(text, 2, layout.memory);
    free(text);
    return layout;
}

static void hash(const void *data, size_t bytes, char ret_hex[65])
{
    struct sha256_ctx ctx;
    uint8_t sum[SHA256_DIGEST_SIZE];

    sha256_init(&ctx);
    sha256_update(&ctx, bytes, data);
    sha256_digest(&ctx, sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", sum[i]);
}

/* @text with a descriptor's digest and size in the place of another's; free() it. */
static char *with_descriptor(const char *text, const char *old_hex, const char *new_hex,
                             size_t new_bytes)
{
    const char *at = strstr(text, old_hex), *end;
    char *result;

    assert_non_null(at);
    end = strchr(at, '}');
    assert_non_null(end);
    for (const char *p = at; p < end; p++)
        if (*p == ',' && strncmp(p + 1, "\"size\"", 6) != 0) /* members behind the size stay */
            end = p;
    assert_true(asprintf(&result, "%.*s%s\",\"size\":%zu%s", (int)(at - text), text, new_hex,
                         new_bytes, end) > 0);
    return result;
}

static void set_manifest(struct layout *layout, const char *text)
{
    char hex[65];
    char *index, *changed;
    size_t bytes;

    hash(text, strlen(text), hex);
    layout_write(layout_blob_path(layout, hex), text, strlen(text));
    index = read_file(path_of(layout->dir, "index.json"), &bytes);
    changed = with_descriptor(index, layout->manifest, hex, strlen(text));
    layout_write(path_of(layout->dir, "index.json"), changed, strlen(changed));
    memcpy(layout->manifest, hex, sizeof hex);
    free(changed);
    free(index);
}

void layout_replace(struct layout *layout, char *hex, const void *data, size_t bytes)
{
    char new_hex[65];
    char *manifest, *changed;
    size_t manifest_bytes;

    hash(data, bytes, new_hex);
    layout_write(layout_blob_path(layout, new_hex), data, bytes);
    manifest = layout_blob(layout, layout->manifest, &manifest_bytes);
    changed = with_descriptor(manifest, hex, new_hex, bytes);
    set_manifest(layout, changed);
    memcpy(hex, new_hex, sizeof new_hex);
    free(changed);
    free(manifest);
}

void layout_edit(struct layout *layout, char *hex, const char *from, const char *to)
{
    size_t bytes;
    char *text = layout_blob(layout, hex, &bytes), *changed;
    char *at = strstr(text, from);

    if (!at)
        fail_msg("there is no %s in %s", from, text);
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    layout_replace(layout, hex, changed, strlen(changed));
    free(changed);
    free(text);
}
