/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that brings its process down as soon as it is asked anything: NAME and HOW to do it
 * come from the build. It prints first, on the stream that is for results.
 */
#include <stdlib.h>
#include <unistd.h>

#include "sconce-plugin.h"

static int32_t end(const struct sconce_plugin_host *host, struct sconce_plugin_error *err)
{
    static const char noise[] = "a backend's noise\n";

    (void)host;
    (void)err;
    if (write(STDOUT_FILENO, noise, sizeof noise - 1) < 0)
        return SCONCE_PLUGIN_E_SYSTEM;
    HOW;
    return SCONCE_PLUGIN_OK;
}

static const struct sconce_plugin_ops ops = {.size = sizeof ops};

SCONCE_PLUGIN_DEFINE(NAME, "1", "none", 0, "none", "none", "experimental", "", SCONCE_THREADS_ONE,
                     &ops, end, NULL);
