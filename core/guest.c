/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/process.h"
#include "core/snapshot-parts.h"
#include "sconce-plugin.h"

#define INSPECT_IMAGE_BYTES (1ull << 30) /* where there is no configuration to ask */

static void destroy(struct sconce_guest *guest)
{
    sconce_arena_fini(&guest->image_arena);
    sconce_image_free(guest->image);
    free(guest->refusals);
    free(guest->file);
    sconce_runtime_unref(guest->runtime);
    free(guest);
}

static void cleanup_guest(struct sconce_guest *const *guest)
{
    if (*guest)
        destroy(*guest);
}

struct sconce_guest *sconce_guest_ref(struct sconce_guest *guest)
{
    atomic_fetch_add(&guest->refs, 1);
    return guest;
}

void sconce_guest_unref(struct sconce_guest *guest)
{
    if (!guest || guest->process != sconce_process_id())
        return;
    if (atomic_fetch_sub(&guest->refs, 1) == 1)
        destroy(guest);
}

void sconce_guest_free(struct sconce_guest *guest)
{
    sconce_guest_unref(guest);
}

static int choose_backend(struct sconce_guest *guest, const void *data, size_t bytes,
                          const char *name, struct sconce_error *err)
{
    uint32_t machine;
    int r = sconce_image_machine(data, bytes, name, &machine, err);

    if (r < 0)
        return r;
    r = sconce_registry_select(guest->runtime->registry, machine, &guest->backend, &guest->refusals,
                               err);
    if (r < 0)
        return r;
    if (!guest->backend->arch.size)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "backend \"%s\" cannot load ELF files: it offers no %s",
                           guest->backend->name, SCONCE_EXT_ARCH);
    /* A script's system calls are answered as its author expects: with ENOSYS. */
    if (!(guest->backend->probe.caps & SCONCE_CAP_SCRIPTED))
        sconce_personality_resolve(&guest->system_calls, guest->backend->arch.syscall_name);
    return 0;
}

/* The read-only segments, side by side as in the guest's address space. */
static int fill_image_arena(struct sconce_guest *guest, struct sconce_error *err)
{
    const struct sconce_image *image = guest->image;
    uint64_t bytes = 0;
    int r;

    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *segment = &image->segments[i];

        if (!(segment->prot & SCONCE_PROT_WRITE))
            bytes = segment->gpa - image->start + segment->bytes;
    }
    if (!bytes)
        return 0;
    r = sconce_arena_init(&guest->image_arena, "sconce-image", bytes, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *segment = &image->segments[i];

        if (!(segment->prot & SCONCE_PROT_WRITE) && segment->init_bytes)
            memcpy(guest->image_arena.host + (segment->gpa - image->start), segment->init,
                   segment->init_bytes);
    }
    return 0;
}

static int keep_file(struct sconce_guest *guest, const void *data, size_t bytes,
                     struct sconce_error *err)
{
    guest->file = malloc(bytes ? bytes : 1);
    if (!guest->file)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a copy of guest %s",
                           guest->image->name);
    memcpy(guest->file, data, bytes);
    guest->file_bytes = bytes;
    return 0;
}

int sconce_guest_load_capped(struct sconce_runtime *runtime, const void *data, size_t bytes,
                             const char *name, uint64_t image_bytes,
                             struct sconce_guest **ret_guest, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_guest) struct sconce_guest *guest = calloc(1, sizeof *guest);
    int r;

    if (!guest)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    atomic_init(&guest->refs, 1);
    guest->process = sconce_process_id();
    guest->image_arena = (struct sconce_arena)SCONCE_ARENA_EMPTY;
    if (runtime) {
        r = sconce_check_process(runtime->process, err);
        if (r < 0)
            return r;
        guest->runtime = sconce_runtime_ref(runtime);
        r = choose_backend(guest, data, bytes, name, err);
        if (r < 0)
            return r;
    }
    if (!guest->refusals)
        guest->refusals = strdup("");
    if (!guest->refusals)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");

    r = sconce_image_new(data, bytes, name, runtime ? guest->backend->arch.reloc_relative : 0,
                         image_bytes, &guest->image, err);
    if (r < 0)
        return r;
    if (runtime) {
        r = fill_image_arena(guest, err);
        if (!r)
            r = keep_file(guest, data, bytes, err);
        if (r < 0)
            return r;
    }
    *ret_guest = SCONCE_STEAL(guest);
    return 0;
}

/* What a guest that is loaded with @runtime may take. */
static uint64_t cap_of(const struct sconce_runtime *runtime)
{
    return runtime ? runtime->settings->image_bytes : INSPECT_IMAGE_BYTES;
}

int sconce_guest_load_memory(struct sconce_runtime *runtime, const void *data, size_t bytes,
                             const char *name, struct sconce_guest **ret_guest,
                             struct sconce_error *err)
{
    return sconce_guest_load_capped(runtime, data, bytes, name, cap_of(runtime), ret_guest, err);
}

/* The whole of a regular file; it cannot change under the parser. */
static int read_file(const char *path, uint64_t most, void **ret_data, size_t *ret_bytes,
                     struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *data = NULL;
    struct stat st;
    size_t used = 0;

    if (fd < 0)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot open guest %s", path);
    if (fstat(fd, &st))
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot examine guest %s", path);
    if (!S_ISREG(st.st_mode))
        return sconce_fail(err, SCONCE_E_GUEST_FORMAT, "%s is not a regular file", path);
    if ((uint64_t)st.st_size > most)
        return sconce_fail_hint(err, SCONCE_E_GUEST_FORMAT, "raise limits.image_bytes, or strip it",
                                "%s has %lld bytes; at most %llu are read", path,
                                (long long)st.st_size, (unsigned long long)most);
    data = malloc((size_t)st.st_size + 1);
    if (!data)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %s", path);
    while (used < (size_t)st.st_size) {
        ssize_t n = read(fd, data + used, (size_t)st.st_size - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot read guest %s", path);
        if (n == 0)
            break;
        used += (size_t)n;
    }
    *ret_data = SCONCE_STEAL(data);
    *ret_bytes = used;
    return 0;
}

int sconce_guest_load_file(struct sconce_runtime *runtime, const char *path,
                           struct sconce_guest **ret_guest, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) void *data = NULL;
    size_t bytes = 0;
    int r = read_file(path, cap_of(runtime), &data, &bytes, err);

    return r < 0 ? r : sconce_guest_load_memory(runtime, data, bytes, path, ret_guest, err);
}

void sconce_guest_describe(const struct sconce_guest *guest, struct sconce_guest_info *ret_info)
{
    const struct sconce_image *image = guest->image;
    struct sconce_guest_info info = {
        .size = ret_info->size,
        .machine = image->machine,
        .abi = image->abi,
        .reloc = image->reloc,
        .export_count = image->export_count,
        .import_count = image->import_count,
        .base = image->base,
        .entry = image->entry,
        .name = image->name,
    };

    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *segment = &image->segments[i];

        if (segment->prot & SCONCE_PROT_WRITE)
            info.data_bytes += segment->bytes;
        else
            info.image_bytes += segment->bytes;
    }
    memcpy(ret_info, &info, ret_info->size < sizeof info ? ret_info->size : sizeof info);
}

static bool describe_function(const struct sconce_image_function *functions, uint32_t count,
                              uint32_t i, struct sconce_signature *ret_signature)
{
    if (i >= count)
        return false;
    *ret_signature = (struct sconce_signature){
        .name = functions[i].name,
        .text = functions[i].text,
        .result = functions[i].result,
        .param_count = functions[i].param_count,
        .params = functions[i].params,
    };
    return true;
}

bool sconce_guest_export(const struct sconce_guest *guest, uint32_t i,
                         struct sconce_signature *ret_signature)
{
    return describe_function(guest->image->exports, guest->image->export_count, i, ret_signature);
}

bool sconce_guest_import(const struct sconce_guest *guest, uint32_t i,
                         struct sconce_signature *ret_signature)
{
    return describe_function(guest->image->imports, guest->image->import_count, i, ret_signature);
}

static int compare_name(const void *key, const void *member)
{
    return strcmp(key, ((const struct sconce_image_function *)member)->name);
}

static int no_function(const struct sconce_image *image, const char *name, struct sconce_error *err)
{
    struct sconce_nearest nearest;

    sconce_nearest_start(&nearest, name);
    for (uint32_t i = 0; i < image->export_count; i++)
        sconce_nearest_offer(&nearest, image->exports[i].name);
    sconce_fail_hint(err, SCONCE_E_NO_FUNCTION, "sconce inspect lists what a guest exports",
                     "guest %s exports no function \"%s\"", image->name, name);
    if (err && nearest.best)
        snprintf(err->hint, sizeof err->hint, "did you mean \"%s\"?", nearest.best);
    return SCONCE_E_NO_FUNCTION;
}

int sconce_guest_find(const struct sconce_guest *guest, const char *name, uint32_t *ret_i,
                      struct sconce_error *err)
{
    const struct sconce_image *image = guest->image;
    const struct sconce_image_function *found = NULL;

    if (image->export_count)
        found = bsearch(name, image->exports, image->export_count, sizeof *image->exports,
                        compare_name);
    if (!found)
        return no_function(image, name, err);
    *ret_i = (uint32_t)(found - image->exports);
    return 0;
}

bool sconce_guest_backend(const struct sconce_guest *guest, struct sconce_backend_info *ret_info)
{
    if (!guest->backend)
        return false;
    sconce_backend_describe(guest->backend, ret_info);
    return true;
}

const char *sconce_guest_refusals(const struct sconce_guest *guest)
{
    return guest->refusals;
}
