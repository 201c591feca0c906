/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the zygote: one for all guests of this backend in this process, started when
 * the first needs it, and again when it has died or this process is a fork of the one that had it.
 * Its children are never ours: nobody's SIGCHLD, nobody's wait().
 */
#ifndef SCONCE_PLUGINS_PROCESS_ZYGOTE_HOST_H
#define SCONCE_PLUGINS_PROCESS_ZYGOTE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/process/protocol.h"
#include "sconce-plugin.h"

/* The zygote's code, made by its backend's meson.build: the stub's page first. */
extern const uint8_t sconce_zygote_text[];
extern const uint8_t sconce_zygote_text_end[];

struct sconce_zygote;

/** sconce_zygote_get - the one that lives, started if need be; give it back with _put. It lives as
 * long as somebody has it, and its children no longer.
 * [any-thread] */
int32_t sconce_zygote_get(struct sconce_zygote **ret_zygote, struct sconce_plugin_error *err);
void sconce_zygote_put(struct sconce_zygote *zygote);

/** sconce_zygote_allow_namespaces - whether guests that are started from now on are in namespaces
 * of their own, where the system lets them. Default: yes. Returns whether that is a change. */
bool sconce_zygote_allow_namespaces(bool allow);

/** sconce_zygote_layers - SCONCE_LAYER_*: what it could raise. */
uint32_t sconce_zygote_layers(const struct sconce_zygote *zygote);

/** sconce_zygote_pidfd - readable when it is gone. Borrowed. */
int sconce_zygote_pidfd(const struct sconce_zygote *zygote);

/** sconce_zygote_is_lost - it is dead, or about to be: no request of it comes to anything. */
bool sconce_zygote_is_lost(const struct sconce_zygote *zygote);

/**
 * sconce_zygote_send - one request, with its descriptors; all stay the caller's.
 * Returns 0, or an errno: EPIPE or ECONNRESET when the zygote has died. [any-thread]
 */
int sconce_zygote_send(struct sconce_zygote *zygote, const struct sconce_request *request,
                       const int32_t *fds);

/** sconce_zygote_signal - have it signal one of its children, which this process may no longer do
 * when it has changed its user or entered a Landlock domain. Does not wait for that. Returns as
 * sconce_zygote_send. Async-signal-safe; sets errno. */
int sconce_zygote_signal(struct sconce_zygote *zygote, int pidfd, int number);

/** sconce_zygote_forget - it is lost, or does not answer: end it, and let the next _get start
 * another. Its children end with it. The caller still has it. */
void sconce_zygote_forget(struct sconce_zygote *zygote);

/** sconce_zygote_release - end it, if there is one; it ends when nobody has it any more. */
void sconce_zygote_release(void);

#endif
