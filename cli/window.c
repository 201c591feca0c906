/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static bool has_size(const struct options *options)
{
    for (size_t i = 0; i < options->setting_count; i++)
        if (strcmp(options->settings[i].key, "limits.window_bytes") == 0)
            return true;
    return false;
}

int window_open(struct window *window, const struct options *options,
                struct sconce_sandbox_options *sandbox)
{
    struct stat st;

    if (!options->window_path)
        return STATUS_OK;
    /* A FIFO must not be waited for. */
    window->fd = open(options->window_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (window->fd < 0)
        return report_refuse(options, SCONCE_E_SYSTEM, "", "cannot open --window=%s: %s",
                             options->window_path, strerror(errno));
    window->path = options->window_path;
    if (fstat(window->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return report_refuse(options, SCONCE_E_INVALID,
                             "write what it gives into a file first, or pass it as @FILE",
                             "cannot attach --window=%s: it is no regular file", window->path);
    window->bytes = (uint64_t)st.st_size;
    if (!has_size(options))
        sandbox->window_bytes = window->bytes;
    return STATUS_OK;
}

int window_attach(const struct window *window, struct sconce_sandbox *sandbox,
                  struct sconce_error *err)
{
    int r;

    if (!window->path)
        return 0;
    r = sconce_sandbox_attach_fd(sandbox, window->fd, 0, window->bytes, err);
    if (r == SCONCE_E_LIMIT)
        snprintf(err->hint, sizeof err->hint, "raise --window-size, or leave it out");
    return r;
}

void window_close(struct window *window)
{
    if (window->path)
        close(window->fd);
    *window = (struct window){0};
}
