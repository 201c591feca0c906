/* SPDX-License-Identifier: Apache-2.0 */
#include "config/backend-entry.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "config/ini-file.h"

#define SUFFIX ".ini"

bool sconce_backend_entry_name(const char *file_name, char ret_name[SCONCE_BACKEND_NAME_MAX + 1])
{
    char name[SCONCE_BACKEND_NAME_MAX + 1];
    size_t length = strlen(file_name);

    if (length <= 3 + strlen(SUFFIX) || length - 3 - strlen(SUFFIX) >= sizeof name ||
        strspn(file_name, "0123456789") < 2 || file_name[2] != '-' ||
        strcmp(file_name + length - strlen(SUFFIX), SUFFIX) != 0)
        return false;
    length -= 3 + strlen(SUFFIX);
    memcpy(name, file_name + 3, length);
    name[length] = '\0';
    if (!sconce_backend_name_valid(name))
        return false;
    memcpy(ret_name, name, length + 1);
    return true;
}

static int take_section(void *ctx, const char *section, unsigned line, struct sconce_error *err)
{
    (void)ctx;
    (void)line;
    if (!strcmp(section, "backend"))
        return 0;
    return sconce_fail_hint(err, SCONCE_E_CONFIG, "the only section here is [backend]",
                            "unknown section [%s]", section);
}

static int take_value(void *ctx, const char *section, const char *key, const char *value,
                      unsigned line, struct sconce_error *err)
{
    struct sconce_backend_entry *entry = ctx;
    char **to = NULL;

    (void)line;
    if (!*section)
        return sconce_fail(err, SCONCE_E_CONFIG, "key \"%s\" before [backend]", key);
    if (!strcmp(key, "name"))
        to = &entry->name;
    else if (!strcmp(key, "description"))
        to = &entry->description;
    else if (!strcmp(key, "package"))
        to = &entry->package;
    if (!to)
        return sconce_fail_hint(err, SCONCE_E_CONFIG, "keys are name, description and package",
                                "unknown key \"%s\" in [backend]", key);
    if (*to)
        return sconce_fail(err, SCONCE_E_CONFIG, "\"%s\" stands twice", key);
    *to = strdup(value);
    return *to ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

static int check_name(const struct sconce_backend_entry *entry, const char *path,
                      struct sconce_error *err)
{
    const char *slash = strrchr(path, '/');
    char wanted[SCONCE_BACKEND_NAME_MAX + 1];

    if (!sconce_backend_entry_name(slash ? slash + 1 : path, wanted))
        return sconce_fail(err, SCONCE_E_CONFIG, "%s: the file's name is not NN-NAME.ini", path);
    if (!entry->name)
        return sconce_fail(err, SCONCE_E_CONFIG, "%s: [backend] has no name", path);
    if (strcmp(entry->name, wanted) != 0)
        return sconce_fail(err, SCONCE_E_CONFIG,
                           "%s: it names \"%s\", but the file is called after \"%s\"", path,
                           entry->name, wanted);
    return 0;
}

/* A pipe would make every command wait for whoever may write to it. /dev/null masks. */
static int check_kind(const char *path, struct sconce_error *err)
{
    struct stat st, null;

    if (stat(path, &st) < 0)
        return sconce_fail_errno(err, SCONCE_E_CONFIG, errno, "cannot open %s", path);
    if (S_ISREG(st.st_mode) ||
        (S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev))
        return 0;
    return sconce_fail(err, SCONCE_E_CONFIG, "%s is not a regular file", path);
}

int sconce_backend_entry_read(const char *path, struct sconce_backend_entry *ret_entry,
                              bool *ret_masked, struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_backend_entry_clear) struct sconce_backend_entry entry = {0};
    const struct sconce_ini_handler handler = {&entry, take_section, take_value};
    bool empty = false;
    int r = check_kind(path, err);

    if (r == 0)
        r = sconce_ini_read(path, &handler, &empty, err);
    if (r == 0 && !empty)
        r = check_name(&entry, path, err);
    if (r < 0)
        return r;
    *ret_masked = empty;
    if (empty)
        return 0;
    entry.file = strdup(path);
    if (!entry.file)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    *ret_entry = entry;
    entry = (struct sconce_backend_entry){0};
    return 0;
}

void sconce_backend_entry_clear(struct sconce_backend_entry *entry)
{
    free(entry->file);
    free(entry->name);
    free(entry->description);
    free(entry->package);
    *entry = (struct sconce_backend_entry){0};
}
