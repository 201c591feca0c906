/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that backends say they need: there, and ours to use? */
#ifndef SCONCE_CLI_DOCTOR_DEVICE_H
#define SCONCE_CLI_DOCTOR_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * device_check - can this process open @path for reading and writing?
 * @text: what was found; @hint: what to do, "" for nothing.
 */
bool device_check(const char *path, char *text, size_t text_bytes, char *hint, size_t hint_bytes);

/**
 * device_next - take the next absolute path out of a list of needs ("/dev/kvm, Linux 5.10").
 * @list: moved on. False when there is none left, or one too long for @path (it is skipped).
 */
bool device_next(const char **list, char *path, size_t path_bytes);

#endif
