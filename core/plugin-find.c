/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/parse.h"
#include "common/trust.h"
#include "sconce-plugin.h"

#define TRUST_HINT                                                                                 \
    "keep backends below directories that only root or you can write; while developing, "          \
    "allow_untrusted_plugins = yes skips this check"

static int check_trust(const char *path, struct sconce_error *err)
{
    const struct sconce_trust trust = sconce_trust_self();
    struct sconce_error why = {0};
    int r = sconce_trust_check(&trust, path, SCONCE_E_NO_BACKEND, &why);

    if (r == 0)
        return 0;
    return sconce_fail_hint(err, SCONCE_E_NO_BACKEND, r == SCONCE_E_NO_BACKEND ? TRUST_HINT : NULL,
                            "cannot trust %s: %s", path, why.text);
}

int sconce_plugin_dir_trusted(const char *dir, struct sconce_error *err)
{
    struct stat st;

    if (stat(dir, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    return check_trust(dir, err);
}

static int absent(struct sconce_plugin_found *found, const char *name, const char *path,
                  struct sconce_error *err)
{
    found->absent = true;
    return sconce_fail(err, SCONCE_E_NO_BACKEND, "backend \"%s\" is not installed: there is no %s",
                       name, path);
}

/* dlopen is only ever given a whole path: it would look for a bare name in many places. */
static int make_path(const char *dir, const char *name, char path[PATH_MAX],
                     struct sconce_error *err)
{
    if (!sconce_backend_name_valid(name))
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "\"%s\" is no backend name", name);
    if (dir[0] != '/' ||
        (size_t)snprintf(path, PATH_MAX,
                         "%s/" SCONCE_PLUGIN_FILE_PREFIX "%s" SCONCE_PLUGIN_FILE_SUFFIX, dir,
                         name) >= PATH_MAX)
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "plugin directory %s is no whole path", dir);
    /* dlopen puts something else in place of $LIB and its like: not what was checked. */
    if (strchr(dir, '$'))
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "plugin directory %s holds a \"$\"", dir);
    return 0;
}

/* The same path through a directory without links, so that one plugin has one path. */
static int resolve(const char *dir, const char *name, struct sconce_plugin_found *found,
                   struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) char *real = NULL;
    char path[PATH_MAX];
    struct stat st;
    int r = make_path(dir, name, path, err);

    if (r < 0)
        return r;
    if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return absent(found, name, path, err);
    real = realpath(dir, NULL);
    if (!real)
        return sconce_fail_errno(err, SCONCE_E_NO_BACKEND, errno, "cannot look at %s", dir);
    return make_path(real, name, found->path, err);
}

static int open_file(struct sconce_plugin_found *found, int *ret_fd, struct sconce_error *err)
{
    /* Nonblocking: it may be a FIFO. */
    SCONCE_CLEANUP(sconce_cleanup_fd)
    int fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &found->st) < 0)
        return sconce_fail_errno(err, SCONCE_E_NO_BACKEND, errno, "cannot open %s", found->path);
    if (!S_ISREG(found->st.st_mode))
        return sconce_fail(err, SCONCE_E_NO_BACKEND, "cannot load %s: it is not a regular file",
                           found->path);
    *ret_fd = sconce_steal_fd(&fd);
    return 0;
}

static int check_facts(const struct sconce_plugin_facts *facts, const char *name,
                       struct sconce_error *err)
{
    if (facts->abi_major != SCONCE_PLUGIN_ABI_MAJOR) {
        bool newer = facts->abi_major > SCONCE_PLUGIN_ABI_MAJOR;

        return sconce_fail_hint(err, SCONCE_E_NO_BACKEND,
                                newer ? "install a newer Sconce" : "install a newer backend",
                                "it is too %s: its note says plugin ABI %u.%u, and this Sconce has "
                                "%u.%u",
                                newer ? "new" : "old", facts->abi_major, facts->abi_minor,
                                SCONCE_PLUGIN_ABI_MAJOR, SCONCE_PLUGIN_ABI_MINOR);
    }
    if (strcmp(facts->name, name) != 0)
        return sconce_fail(err, SCONCE_E_NO_BACKEND,
                           "its note names backend \"%s\", its file \"%s\"", facts->name, name);
    return 0;
}

int sconce_plugin_find(const char *dir, const char *name, bool allow_untrusted,
                       struct sconce_plugin_found *ret_found, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = -1;
    struct sconce_error why = {0};
    int r;

    memset(ret_found, 0, sizeof *ret_found);
    r = resolve(dir, name, ret_found, err);
    /* The path as configured: links on the way count too. */
    if (r == 0 && !allow_untrusted) {
        char path[PATH_MAX];

        r = make_path(dir, name, path, err);
        if (r == 0)
            r = check_trust(path, err);
    }
    if (r == 0)
        r = open_file(ret_found, &fd, err);
    if (r < 0)
        return r;
    r = sconce_plugin_note_read(fd, &ret_found->facts, &why);
    if (r == 0)
        r = check_facts(&ret_found->facts, name, &why);
    if (r < 0)
        return sconce_fail_hint(err, r, why.hint, "cannot load %s: %s", ret_found->path, why.text);
    return 0;
}
