/* SPDX-License-Identifier: Apache-2.0 */
/* A thread model that this core does not know. */
#define BENT_NAME "thread-model"
#define BEND(d) (d)->thread_model = 7
#include "tests/plugins/bent.h"
