/* SPDX-License-Identifier: Apache-2.0 */
#include "core/registry-order.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/parse.h"
#include "core/plugin-find.h"

/* Enough for every architecture and mechanism there is; a directory with more is another one. */
#define FILES_MAX 1024u

static int no_memory(struct sconce_error *err)
{
    return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

/* ---- Lists of names -------------------------------------------------------------------------- */

/* Always has room for one more and the NULL. */
struct names {
    char **list;
    size_t count;
};

void sconce_order_free_names(char **names)
{
    size_t i;

    for (i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

static void cleanup_names(const struct names *names)
{
    sconce_order_free_names(names->list);
}

static int add_name(struct names *names, const char *name, struct sconce_error *err)
{
    char **list = reallocarray(names->list, names->count + 2, sizeof *list);

    if (!list)
        return no_memory(err);
    names->list = list;
    list[names->count] = strdup(name);
    if (!list[names->count])
        return no_memory(err);
    list[++names->count] = NULL;
    return 0;
}

static bool has_name(const struct names *names, const char *name)
{
    size_t i;

    for (i = 0; i < names->count; i++)
        if (!strcmp(names->list[i], name))
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct names *names)
{
    if (names->count > 1)
        qsort(names->list, names->count, sizeof *names->list, by_text);
}

static void cleanup_dir(DIR *const *dir)
{
    if (*dir)
        closedir(*dir);
}

/* What a file's name stands for in a list; false when it does not belong there. */
typedef bool (*pick_fn)(const char *file_name, char ret_name[NAME_MAX + 1]);

/* Adds what @pick makes of the files of @path, each name once. */
static int list_dir(const char *path, pick_fn pick, struct names *names, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_dir) DIR *dir = opendir(path);
    const struct dirent *entry;
    char name[NAME_MAX + 1];
    int r = 0;

    if (!dir && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!dir)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot list %s", path);
    while (r == 0 && (errno = 0, entry = readdir(dir))) {
        if (!pick(entry->d_name, name) || has_name(names, name))
            continue;
        if (names->count == FILES_MAX)
            return sconce_fail(err, SCONCE_E_SYSTEM, "%s holds more than %u files", path,
                               FILES_MAX);
        r = add_name(names, name, err);
    }
    if (r == 0 && errno)
        return sconce_fail_errno(err, SCONCE_E_SYSTEM, errno, "cannot list %s", path);
    return r;
}

/* ---- Installed backends ---------------------------------------------------------------------- */

static bool pick_backend(const char *file_name, char ret_name[NAME_MAX + 1])
{
    size_t prefix = strlen(SCONCE_PLUGIN_FILE_PREFIX);
    size_t suffix = strlen(SCONCE_PLUGIN_FILE_SUFFIX);
    size_t length = strlen(file_name);

    if (length <= prefix + suffix || strncmp(file_name, SCONCE_PLUGIN_FILE_PREFIX, prefix) != 0 ||
        strcmp(file_name + length - suffix, SCONCE_PLUGIN_FILE_SUFFIX) != 0)
        return false;
    length -= prefix + suffix;
    memcpy(ret_name, file_name + prefix, length);
    ret_name[length] = '\0';
    return sconce_backend_name_valid(ret_name);
}

int sconce_order_installed(const char *plugin_dir, char ***ret_names, struct sconce_error *err)
{
    SCONCE_CLEANUP(cleanup_names) struct names names = {0};
    int r = list_dir(plugin_dir, pick_backend, &names, err);

    if (r < 0)
        return r;
    sort_names(&names);
    if (!names.list && !(names.list = calloc(1, sizeof *names.list)))
        return no_memory(err);
    *ret_names = SCONCE_STEAL(names.list);
    return 0;
}

/* ---- backends.d ------------------------------------------------------------------------------ */

/* All *.ini: one whose name is wrong has a problem to be told. Editors' and packagers' other files
 * are not meant. */
static bool pick_ini(const char *file_name, char ret_name[NAME_MAX + 1])
{
    size_t length = strlen(file_name);

    if (file_name[0] == '.' || length < 4 || strcmp(file_name + length - 4, ".ini") != 0)
        return false;
    memcpy(ret_name, file_name, length + 1);
    return true;
}

static int path_in(const char *dir, const char *file, char path[PATH_MAX], struct sconce_error *err)
{
    if ((size_t)snprintf(path, PATH_MAX, "%s/%s", dir, file) < PATH_MAX)
        return 0;
    return sconce_fail(err, SCONCE_E_SYSTEM, "%s/%s is too long for a path", dir, file);
}

/* Reads one file into the next item, unless it only hides. */
static int take_file(struct sconce_order *order, const char *dir, const char *file,
                     struct sconce_error *err)
{
    struct sconce_order_item *item = &order->items[order->count];
    char path[PATH_MAX];
    bool masked = false;
    int r = path_in(dir, file, path, err);

    if (r < 0)
        return r;
    *item = (struct sconce_order_item){0};
    r = sconce_backend_entry_read(path, &item->entry, &masked, &item->problem);
    if (r == SCONCE_E_NO_MEMORY)
        return no_memory(err);
    if (r == 0 && !masked && sconce_order_find(order, item->entry.name)) {
        sconce_backend_entry_clear(&item->entry);
        return 0;
    }
    if (!masked)
        order->count++;
    return 0;
}

int sconce_order_read(const char *vendor_dir, const char *etc_dir, struct sconce_order *ret_order,
                      struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_order_clear) struct sconce_order order = {0};
    SCONCE_CLEANUP(cleanup_names) struct names etc = {0};
    SCONCE_CLEANUP(cleanup_names) struct names all = {0};
    size_t i;
    int r = list_dir(etc_dir, pick_ini, &etc, err);

    if (r == 0)
        r = list_dir(etc_dir, pick_ini, &all, err);
    if (r == 0)
        r = list_dir(vendor_dir, pick_ini, &all, err);
    if (r < 0)
        return r;
    sort_names(&all);
    order.items = calloc(all.count + 1, sizeof *order.items);
    if (!order.items)
        return no_memory(err);
    for (i = 0; i < all.count && r == 0; i++) {
        const char *file = all.list[i];

        r = take_file(&order, has_name(&etc, file) ? etc_dir : vendor_dir, file, err);
    }
    if (r < 0)
        return r;
    *ret_order = order;
    order = (struct sconce_order){0};
    return 0;
}

const struct sconce_backend_entry *sconce_order_find(const struct sconce_order *order,
                                                     const char *name)
{
    size_t i;

    for (i = 0; i < order->count; i++)
        if (order->items[i].entry.name && !strcmp(order->items[i].entry.name, name))
            return &order->items[i].entry;
    return NULL;
}

void sconce_order_clear(struct sconce_order *order)
{
    size_t i;

    for (i = 0; i < order->count; i++)
        sconce_backend_entry_clear(&order->items[i].entry);
    free(order->items);
    *order = (struct sconce_order){0};
}
