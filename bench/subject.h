/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured: guests on one backend, through libsconce's public interface alone. */
#ifndef SCONCE_BENCH_SUBJECT_H
#define SCONCE_BENCH_SUBJECT_H

#include <sconce/sconce.h>

#include "options.h"

struct subject {
    struct sconce_runtime *runtime;
    struct sconce_guest *guest;
    struct sconce_backend_info backend; /* lives as long as @guest */
    void *null_file;                    /* NULL until subject_read_null */
    size_t null_bytes;
};

/**
 * subject_open - load @guest, a file, on @backend.
 * Returns STATUS_*; what went wrong has been told on stderr. No configuration file of the machine
 * is read, any isolation is taken, and the build's folder of plugins need not be a trusted one.
 */
int subject_open(struct subject *subject, const struct options *options, const char *backend,
                 const char *guest);

void subject_close(struct subject *subject);

/*
 * These return 0, or -1 when something failed, which has been told on stderr.
 */

/** subject_start - a sandbox of the guest, and the number of one of its exports. */
int subject_start(const struct subject *subject, const char *export_name,
                  struct sconce_sandbox **ret_sandbox, uint32_t *ret_export);

/** subject_start_serving - the same; @fn is what the guest's import host() calls. */
int subject_start_serving(const struct subject *subject, const char *export_name, sconce_host_fn fn,
                          void *ctx, struct sconce_sandbox **ret_sandbox, uint32_t *ret_export);

/** subject_options - what a sandbox of the guest needs; more may be asked for. Its host function
 * does nothing. */
struct sconce_sandbox_options subject_options(void);

/** subject_make - a sandbox by @options, which began as subject_options(). */
int subject_make(const struct subject *subject, const struct sconce_sandbox_options *options,
                 struct sconce_sandbox **ret_sandbox);

int subject_find(const struct subject *subject, const char *export_name, uint32_t *ret_export);

/** subject_read_null - guests/null.c, which exports nothing() alone, into memory, once. */
int subject_read_null(struct subject *subject);

/** subject_load_null - a guest of it; it costs a start what any guest costs. */
int subject_load_null(const struct subject *subject, struct sconce_guest **ret_guest);

/** subject_exits - of @sandbox, so far. */
uint64_t subject_exits(const struct sconce_sandbox *sandbox);

/** subject_failed - tell on stderr that @what failed, and why. Returns -1. */
int subject_failed(const char *what, const struct sconce_error *err);

#endif
