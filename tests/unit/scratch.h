/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of its own for a test, removed afterwards. Modes are what is asked for, whatever the
 * umask. Include after <cmocka.h>.
 */
#ifndef SCONCE_TESTS_SCRATCH_H
#define SCONCE_TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ROOT/PATH; valid until the fourth call from now. */
static inline const char *scratch_path(const char *root, const char *path)
{
    static char texts[4][PATH_MAX];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    assert_true((size_t)snprintf(text, PATH_MAX, "%s/%s", root, path) < PATH_MAX);
    return text;
}

static inline int scratch_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char made[PATH_MAX];

    snprintf(made, sizeof made, "%s/sconce-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    *state = mkdtemp(made) ? realpath(made, NULL) : NULL;
    return *state ? 0 : -1;
}

static inline int scratch_remove_(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    char *root = *state;
    int r = nftw(root, scratch_remove_, 8, FTW_DEPTH | FTW_PHYS);

    free(root);
    return r;
}

static inline void scratch_mode(const char *root, const char *path, mode_t mode)
{
    assert_int_equal(chmod(scratch_path(root, path), mode), 0);
}

static inline void scratch_dir(const char *root, const char *path)
{
    assert_int_equal(mkdir(scratch_path(root, path), 0755), 0);
    scratch_mode(root, path, 0755);
}

static inline void scratch_bytes(const char *root, const char *path, const void *data, size_t bytes)
{
    int fd = open(scratch_path(root, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), bytes);
    close(fd);
    scratch_mode(root, path, 0644);
}

static inline void scratch_file(const char *root, const char *path, const char *text)
{
    scratch_bytes(root, path, text, strlen(text));
}

static inline void scratch_link(const char *root, const char *path, const char *target)
{
    assert_int_equal(symlink(target, scratch_path(root, path)), 0);
}

#endif
