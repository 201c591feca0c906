/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "core/plugin-error.h"
#include "core/plugin-negotiate.h"

/* Generations of the contract that a plugin may be for; ours is 1. */
#define ENTRY_OLDEST 0u
#define ENTRY_NEWEST 9u

static struct sconce_lock files_lock;
static struct sconce_plugin_file *files; /* newest first */

static int refuse(const struct sconce_plugin_found *found, const struct sconce_error *why, int code,
                  struct sconce_error *err)
{
    return sconce_fail_hint(err, code, why->hint, "cannot load %s: %s", found->path, why->text);
}

/* ---- The list -------------------------------------------------------------------------------- */

static struct sconce_plugin_file *find_loaded(const struct stat *st)
{
    struct sconce_plugin_file *file;

    for (file = files; file; file = file->next)
        if (file->st.st_dev == st->st_dev && file->st.st_ino == st->st_ino)
            return file;
    return NULL;
}

/* The change time does not count: links, owners and modes change it, and leave the code alone. */
static bool same_contents(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void free_file(struct sconce_plugin_file *file)
{
    if (!file)
        return;
    sconce_plugin_services_clear(&file->services);
    sconce_plugin_negotiate_clear(&file->base);
    free(file->changed);
    free(file);
}

static void cleanup_file(struct sconce_plugin_file *const *file)
{
    free_file(*file);
}

static struct sconce_plugin_file *new_file(const struct sconce_plugin_found *found)
{
    struct sconce_plugin_file *file = calloc(1, sizeof *file);

    if (!file)
        return NULL;
    file->st = found->st;
    file->abi_minor = found->facts.abi_minor;
    sconce_plugin_services_init(&file->services);
    return file;
}

/* ---- dlopen ---------------------------------------------------------------------------------- */

/*
 * A name for dlopen that it has not seen yet. It compares names before it looks at files, so for a
 * file that was renamed over a loaded one the same path would give the old code. Every "./" makes
 * another name of the same path, which debuggers can still open.
 */
static int fresh_name(const char *path, char name[PATH_MAX], struct sconce_error *err)
{
    const struct sconce_plugin_file *file;
    size_t used = (size_t)(strrchr(path, '/') - path) + 1;
    const char *base = path + used;

    memcpy(name, path, used);
    for (file = files; file; file = file->next) {
        if (strcmp(file->base.path, path) != 0)
            continue;
        if (used + 2 >= PATH_MAX)
            return sconce_fail(err, SCONCE_E_NO_BACKEND,
                               "it has been replaced too often while this process runs");
        memcpy(name + used, "./", 2);
        used += 2;
    }
    if ((size_t)snprintf(name + used, PATH_MAX - used, "%s", base) >= PATH_MAX - used)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "it has been replaced too often while this process runs");
    return 0;
}

static int map_file(const struct sconce_plugin_found *found, struct sconce_plugin_file *file,
                    struct sconce_error *err)
{
    char name[PATH_MAX];
    int r = fresh_name(found->path, name, err);

    if (r < 0)
        return r;
    file->base.path = strdup(found->path);
    if (!file->base.path)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    file->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!file->handle) {
        const char *why = dlerror();

        return sconce_fail(err, SCONCE_E_NO_BACKEND, "%s", why ? why : "dlopen failed");
    }
    return 0;
}

/* Is what dlopen opened what was checked? A package manager may be at work. */
static int check_unchanged(const struct sconce_plugin_found *found, struct sconce_error *err)
{
    struct stat st;

    if (stat(found->path, &st) == 0 && st.st_dev == found->st.st_dev &&
        st.st_ino == found->st.st_ino && same_contents(&st, &found->st))
        return 0;
    return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, "try again",
                            "it was replaced while it was being loaded");
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static int find_entry(void *handle, sconce_plugin_entry_fn *ret_entry, struct sconce_error *err)
{
    void *symbol = dlsym(handle, SCONCE_PLUGIN_ENTRY_SYMBOL);
    char other[64];
    unsigned i;

    if (symbol) {
        memcpy(ret_entry, &symbol, sizeof symbol);
        return 0;
    }
    for (i = ENTRY_OLDEST; i <= ENTRY_NEWEST; i++) {
        snprintf(other, sizeof other, "sconce_plugin_entry_v%u", i);
        if (dlsym(handle, other))
            return sconce_fail_hint(
                err, SCONCE_E_NO_BACKEND,
                i > 1 ? "install a newer Sconce" : "install a newer backend",
                "it is too %s: it has %s, and this Sconce calls " SCONCE_PLUGIN_ENTRY_SYMBOL,
                i > 1 ? "new" : "old", other);
    }
    return sconce_fail(err, SCONCE_E_NO_BACKEND, "it does not export " SCONCE_PLUGIN_ENTRY_SYMBOL);
}

/* Once per process and file. */
static int enter(struct sconce_plugin_file *file, struct sconce_error *err)
{
    sconce_plugin_entry_fn entry = NULL;
    struct sconce_plugin_error error;
    int r = find_entry(file->handle, &entry, err);

    if (r < 0)
        return r;
    sconce_plugin_error_init(&error);
    file->descriptor = entry(&file->services.host, &error);
    if (file->descriptor)
        return 0;
    sconce_plugin_error_take(&error, SCONCE_E_NO_BACKEND, err);
    return sconce_error_prefix(err, "its entry refused");
}

static int negotiate(struct sconce_plugin_file *file, const struct sconce_plugin_facts *facts,
                     struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_plugin_negotiate_clear) struct sconce_backend base = {0};
    int r = sconce_plugin_negotiate(file->descriptor, facts, &base, &file->lifecycle, err);

    if (r < 0)
        return r;
    file->changed = calloc(base.ops.setting_count + 1u, sizeof *file->changed);
    if (!file->changed)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    base.path = SCONCE_STEAL(file->base.path);
    if (base.thread_model == SCONCE_THREADS_ONE)
        base.one_lock = &file->lock;
    file->base = base;
    base = (struct sconce_backend){0};
    file->ready = true;
    return 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* What is left to do with a mapped file, which stays in the list whatever comes of it. What is
 * wrong with it stays wrong; only memory may be there another time. */
static int make_ready(struct sconce_plugin_file *file, const struct sconce_plugin_found *found,
                      struct sconce_error *err)
{
    struct sconce_error why = {0};
    int r = file->refusal.code;

    if (file->ready)
        return 0;
    if (r < 0)
        return refuse(found, &file->refusal, r, err);
    if (!file->descriptor)
        r = check_unchanged(found, &why);
    if (r == 0 && !file->descriptor)
        r = enter(file, &why);
    if (r == 0)
        r = negotiate(file, &found->facts, &why);
    if (r == 0)
        return 0;
    if (r != SCONCE_E_NO_MEMORY)
        file->refusal = why;
    return refuse(found, &why, r, err);
}

static int map_new(const struct sconce_plugin_found *found, struct sconce_plugin_file **ret_file,
                   struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_file) struct sconce_plugin_file *file = new_file(found);
    struct sconce_error why = {0};
    int r;

    if (!file)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    r = map_file(found, file, &why);
    if (r < 0)
        return refuse(found, &why, r, err);
    *ret_file = SCONCE_STEAL(file);
    (*ret_file)->next = files;
    files = *ret_file;
    return 0;
}

static int load_locked(const struct sconce_plugin_found *found, const struct sconce_log *log,
                       struct sconce_plugin_file **ret_file, struct sconce_error *err)
{
    struct sconce_plugin_file *file = find_loaded(&found->st);
    int r = 0;

    if (!file)
        r = map_new(found, &file, err);
    else if (!same_contents(&file->st, &found->st))
        r = sconce_fail_hint(
            err, SCONCE_E_NO_BACKEND, "install a new version by renaming it over the old one",
            "cannot load %s: it was changed in place while this process uses it", found->path);
    if (r == 0)
        r = sconce_plugin_services_add(&file->services, log, err); /* the entry may log */
    if (r < 0)
        return r;
    r = make_ready(file, found, err);
    if (r < 0)
        sconce_plugin_services_remove(&file->services, log);
    else
        *ret_file = file;
    return r;
}

int sconce_plugin_load(const struct sconce_plugin_found *found, const struct sconce_log *log,
                       struct sconce_plugin_file **ret_file, struct sconce_error *err)
{
    int r;

    sconce_lock_take(&files_lock);
    r = load_locked(found, log, ret_file, err);
    sconce_lock_give(&files_lock);
    return r;
}

void sconce_plugin_put(struct sconce_plugin_file *file, const struct sconce_log *log)
{
    /* Under the lock of probe, so that whoever comes next finds the plugin after its release. */
    sconce_lock_take(&file->lock);
    if (sconce_plugin_services_remove(&file->services, log) == 0 && file->lifecycle.release)
        file->lifecycle.release();
    sconce_lock_give(&file->lock);
}
