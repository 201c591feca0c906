/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a message of a process that may die instead. */
#ifndef SCONCE_PLUGINS_PROCESS_RECEIVE_H
#define SCONCE_PLUGINS_PROCESS_RECEIVE_H

#include "plugins/shared/process/protocol.h"

/**
 * sconce_receive - one reply from @socket.
 * @zygote_fd, @child_fd: pidfds; -1 for none. End of file says nothing here, as a process that this
 *   one forked may hold the other end.
 * @ret_fd: the descriptor that came with it, the caller's; -1 for none.
 * Returns 0, or an errno: EMFILE when this process may have no more descriptors; ESRCH when one of
 * the processes is gone and nothing is left to read; ETIMEDOUT when there was no answer for long.
 * With an errno, the reply's step is SCONCE_STEP_HOST_WAIT when there could be no waiting, and
 * SCONCE_STEP_RECEIVE otherwise.
 */
int sconce_receive(int socket, int zygote_fd, int child_fd, struct sconce_reply *ret_reply,
                   int *ret_fd);

#endif
