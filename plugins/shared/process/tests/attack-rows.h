/* SPDX-License-Identifier: Apache-2.0 */
/* The words that lists of attacks are written in: {export, {arguments}, outcome}. */
#ifndef SCONCE_PROCESS_TESTS_ATTACK_ROWS_H
#define SCONCE_PROCESS_TESTS_ATTACK_ROWS_H

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/tests/attacks.h"
#include "tests/guests/hostile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OK OUTCOME_OK, 0
#define FAULT(...) OUTCOME_FAULT, (__VA_ARGS__)
#define OK_OR_FAULT(...) OUTCOME_OK | OUTCOME_FAULT, (__VA_ARGS__)
#define LIMIT OUTCOME_LIMIT, 0
#define EXIT OUTCOME_EXIT, 0 /* the core heard the call, the kernel did not */
#define SHUTDOWN FAULT(KIND_SHUTDOWN)
#define PRIVILEGE FAULT(KIND(PRIVILEGE))
#define LIMIT_OR_SHUTDOWN OUTCOME_LIMIT | OUTCOME_FAULT, KIND_SHUTDOWN

#define CONTROL SCONCE_CONTROL_AT
#define CONTROL_END (SCONCE_CONTROL_AT + SCONCE_CONTROL_BYTES)
#define ALTSTACK (CONTROL + SCONCE_ALTSTACK_OFFSET)
#define AUTODISARM (1u << 31) /* SS_AUTODISARM */
#define DISABLE 2u            /* SS_DISABLE */

#endif
