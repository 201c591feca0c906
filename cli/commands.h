/* SPDX-License-Identifier: Apache-2.0 */
/* One function a command, in cmd-NAME.c. Each returns the program's exit status. */
#ifndef SCONCE_CLI_COMMANDS_H
#define SCONCE_CLI_COMMANDS_H

#include "options.h"

int cmd_run(const struct options *options);
int cmd_call(const struct options *options);
int cmd_bench(const struct options *options);
int cmd_inspect(const struct options *options);
int cmd_backends(const struct options *options);
int cmd_doctor(const struct options *options);
int cmd_snapshot(const struct options *options);
int cmd_config(const struct options *options);

#endif
