/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/bad.h"

#include <stdio.h>

static int call_bad(struct check_box *box, const struct check_bad *bad)
{
    const struct sconce_value wide = check_u64(bad->argument);
    const struct sconce_value narrow = check_u32((uint32_t)bad->argument);

    return check_call(box, bad->function, bad->type == 'm' ? &wide : &narrow, bad->type ? 1 : 0);
}

static enum check_outcome right_fault(struct check *check, const struct check_bad *bad,
                                      const struct sconce_error *err)
{
    const struct sconce_fault *fault = &err->fault;

    CHECK(check, fault->kind != 0 && (bad->kinds & 1u << fault->kind),
          "%s(0x%llx) is a %s fault: %s", bad->function, (unsigned long long)bad->argument,
          sconce_fault_name(fault->kind), err->text);
    if (fault->kind != SCONCE_FAULT_MEMORY)
        return CHECK_OK;
    CHECK(check, bad->access == SCONCE_ACCESS_UNKNOWN || fault->access == bad->access,
          "%s(0x%llx) is an access %u, not %u: %s", bad->function,
          (unsigned long long)bad->argument, fault->access, bad->access, err->text);
    CHECK(check, bad->address == NO_ADDRESS || fault->address == bad->address,
          "%s(0x%llx) faults at 0x%llx, not 0x%llx", bad->function,
          (unsigned long long)bad->argument, (unsigned long long)fault->address,
          (unsigned long long)bad->address);
    return CHECK_OK;
}

enum check_outcome check_run_bad(struct check *check, struct check_box *box,
                                 const struct check_bad *bad)
{
    int code = call_bad(box, bad);

    if (code == 0 && (bad->kinds & OR_NOTHING))
        return check_box_recover(check, box);
    CHECK(check, code == SCONCE_E_GUEST_FAULT, "%s(0x%llx) ended with %s%s%s", bad->function,
          (unsigned long long)bad->argument, code == 0 ? "success" : sconce_error_name(code),
          code == 0 ? "" : ": ", box->err.text);
    CHECK_STEP(check_error(check, &box->err, code, bad->function));
    CHECK_STEP(right_fault(check, bad, &box->err));
    CHECK(check, sconce_sandbox_state(box->sandbox) == SCONCE_STATE_POISONED,
          "%s left the sandbox in state %u", bad->function, sconce_sandbox_state(box->sandbox));
    return check_box_recover(check, box);
}

/* All that went wrong, up to a number: where one is known, the others are to be seen. */
#define MAX_FAILURES 8u

struct failures {
    unsigned count;
    char text[sizeof((struct check *)0)->text];
};

static void add_failure(struct failures *failures, const char *text)
{
    size_t used = strlen(failures->text);
    size_t room = sizeof failures->text - used;

    if (room > 3)
        snprintf(failures->text + used, room, "%s%.*s", used ? "; " : "", (int)room - 3, text);
    failures->count++;
}

static enum check_outcome open_box(struct check *check, struct check_box *box, const char *file,
                                   const struct sconce_limits *limits)
{
    CHECK_STEP(check_box_open(check, box, file, limits));
    return check_box_keep_start(check, box);
}

enum check_outcome check_run_all(struct check *check, struct check_box *box, const char *file,
                                 const struct check_bad *bads)
{
    const struct sconce_limits limits = {.deadline_ns = 2000000000ull};
    struct sconce_sandbox *other = NULL;
    struct failures failures = {0};

    if (!box->sandbox)
        CHECK_STEP(open_box(check, box, file, &limits));
    for (; bads->function && failures.count < MAX_FAILURES; bads++) {
        enum check_outcome outcome = check_run_bad(check, box, bads);

        if (outcome == CHECK_SKIP)
            return outcome;
        if (outcome == CHECK_FAIL) {
            add_failure(&failures, check->text);
            check_box_close(box);
            CHECK_STEP(open_box(check, box, file, &limits));
        }
    }
    if (check_box_new(box, &limits, &other) == 0)
        sconce_sandbox_free(other);
    else
        add_failure(&failures, "a new sandbox cannot be made afterwards");
    return failures.count ? check_fail(check, "%s", failures.text) : CHECK_OK;
}

enum check_outcome check_run_good(struct check *check, struct check_box *box,
                                  const struct check_good *goods)
{
    for (; goods->function; goods++) {
        uint64_t got = 0;

        CHECK_STEP(check_call_done(check, box, goods->function, WITHOUT));
        if (goods->type == 'm')
            got = box->result.as.u64;
        else if (goods->type == 'u')
            got = box->result.as.u32;
        CHECK(check, got == goods->result, "%s() is 0x%llx, not 0x%llx", goods->function,
              (unsigned long long)got, (unsigned long long)goods->result);
    }
    return CHECK_OK;
}
