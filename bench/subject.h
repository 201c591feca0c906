/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured: a guest on one backend, through libsconce's public interface alone. */
#ifndef SCONCE_BENCH_SUBJECT_H
#define SCONCE_BENCH_SUBJECT_H

#include <sconce/sconce.h>

#include "options.h"

struct subject {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_backend_info backend; /* lives as long as @guest */
};

/**
 * subject_open - load the guest that @options name on the backend that they name.
 * Returns STATUS_*; what went wrong has been told on stderr. No configuration file of the machine
 * is read, any isolation is taken, and the build's folder of plugins need not be a trusted one.
 */
int subject_open(struct subject *subject, const struct options *options);

void subject_close(struct subject *subject);

/** subject_failed - tell on stderr that @what failed, and why. Returns -1. */
int subject_failed(const char *what, const struct sconce_error *err);

#endif
