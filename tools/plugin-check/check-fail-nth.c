/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fail each op in turn: the backend is wrapped in the fail-nth interposer, one whole life of a
 * sandbox is lived again and again, and each time the next call of the backend fails. Whatever it
 * was, the caller gets an error that says so, nothing is left behind, and the next life is a good
 * one. Works with scripted backends too: what counts is the core.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

#define MAX_POINTS 2000u

/* One run of the scenario, and what came of it. */
struct life {
    struct check_box box;
    struct check_box trap;  /* of a guest that makes a system call */
    struct check_box fault; /* of one that handles its faults */
    char failed[64]; /* "12 vcpu_run": what the interposer says that it did; "" for nothing */
    char text[1024];
    int code;
};

static void keep_failed(void *ctx, uint32_t level, const char *key, const char *text)
{
    struct life *life = ctx;

    (void)level;
    if (strcmp(key, "fail-nth.failed") == 0)
        snprintf(life->failed, sizeof life->failed, "%s", text);
}

/* A step of the scenario: true to go on. The first failure is kept. */
static bool step(struct life *life, int code)
{
    if (code == 0)
        return true;
    if (life->code == 0) {
        const struct sconce_error *err = life->box.err.code == code    ? &life->box.err
                                         : life->trap.err.code == code ? &life->trap.err
                                                                       : &life->fault.err;

        life->code = code;
        memcpy(life->text, err->text, sizeof life->text);
    }
    return false;
}

static int configure(struct sconce_config *config, const char *key, const char *value)
{
    return sconce_config_set(config, key, value, "fail-nth", NULL);
}

struct forwarding {
    struct sconce_config *to;
    const char *backend;
};

/* The settings of the wrapped backend, under the interposer's name for them. */
static int forward_setting(void *ctx, const char *key, const char *value, const char *origin,
                           const char *help)
{
    const struct forwarding *forwarding = ctx;
    const char *setting;
    char forwarded[128];

    (void)origin;
    (void)help;
    if (strncmp(key, "backend.", 8) != 0 || !(setting = strchr(key + 8, '.')))
        return 0;
    if (strlen(forwarding->backend) != (size_t)(setting - key - 8) ||
        strncmp(key + 8, forwarding->backend, (size_t)(setting - key - 8)) != 0)
        return 0; /* another backend's */
    snprintf(forwarded, sizeof forwarded, "backend.fail-nth.wrapped%s", setting);
    return configure(forwarding->to, forwarded, value);
}

static enum check_outcome make_config(struct check *check, struct sconce_config **ret_config)
{
    struct sconce_error err = {0};
    char dir[PATH_MAX];
    int code;

    CHECK(check, sconce_config_load("/dev/null", ret_config, &err) == 0, "no configuration: %s",
          err.text);
    snprintf(dir, sizeof dir, "%s", check->setup->interposer);
    code = configure(*ret_config, "runtime.plugin_dir", dirname(dir));
    if (code == 0)
        code = configure(*ret_config, "runtime.backend", "fail-nth");
    if (code == 0)
        code = configure(*ret_config, "runtime.isolation", "any");
    if (code == 0)
        code = configure(*ret_config, "runtime.allow_untrusted_plugins", "yes");
    if (code == 0)
        code = configure(*ret_config, "runtime.verify_restores", "yes");
    if (code == 0) {
        struct forwarding forwarding = {*ret_config, check->setup->name};

        code = sconce_config_each(check->setup->config, forward_setting, &forwarding);
    }
    CHECK(check, code == 0, "the interposer cannot be configured");
    return CHECK_OK;
}

static void free_config(struct sconce_config **config)
{
    sconce_config_free(*config);
}

/* Is this what a guest may come to, rather than the backend? A guest's failure is as good as a
 * success; a script knows nothing of the functions that are called, so it may break all rules. */
static bool is_answer(const struct check *check, int code)
{
    bool scripted = check->setup->probe.caps & SCONCE_CAP_SCRIPTED;

    return code == 0 || code == SCONCE_E_GUEST_FAILED ||
           (scripted && code != SCONCE_E_BACKEND && code != SCONCE_E_SYSTEM);
}

/* Calls @function; true when the sandbox can go on. */
static bool call_step(const struct check *check, struct life *life, const char *function)
{
    int code = check_call(&life->box, function, WITHOUT);

    if (!is_answer(check, code))
        return step(life, code);
    return sconce_sandbox_state(life->box.sandbox) == SCONCE_STATE_READY;
}

static void as_start(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->snapshot = box->start;
}

/* A second sandbox, which begins as the first one's snapshot. */
static void live_again(const struct check *check, struct life *life)
{
    struct check_box *box = &life->box;
    struct sconce_sandbox *first = box->sandbox;

    box->sandbox = NULL;
    box->choose = as_start;
    if (step(life, check_box_new(box, NULL, &box->sandbox)) && call_step(check, life, "nothing"))
        step(life, sconce_sandbox_restore(box->sandbox, box->start, &box->err));
    sconce_sandbox_free(box->sandbox);
    box->choose = NULL;
    box->sandbox = first;
}

static void live(struct check *check, struct life *life)
{
    struct check_box *box = &life->box;
    char guest[PATH_MAX];

    snprintf(guest, sizeof guest, "%s/types.elf", check->setup->guest_dir);
    if (!step(life, sconce_guest_load_file(box->runtime, guest, &box->guest, &box->err)) ||
        !step(life, check_box_new(box, NULL, &box->sandbox)))
        return;
    if (call_step(check, life, "nothing") && call_step(check, life, "via_host_nothing"))
        step(life, sconce_sandbox_snapshot(box->sandbox, &box->start, &box->err));
    if (box->start && step(life, sconce_sandbox_restore(box->sandbox, box->start, &box->err)) &&
        call_step(check, life, "nothing") &&
        step(life, sconce_sandbox_rewind(box->sandbox, box->start, &box->err)) &&
        call_step(check, life, "nothing"))
        live_again(check, life);
}

/* Adds a trap that is answered, where the backend runs code. */
static void live_with_trap(struct check *check, struct life *life)
{
    const uint64_t caps = check->setup->probe.caps;
    struct check_box *trap = &life->trap;
    char guest[PATH_MAX];

    if ((caps & SCONCE_CAP_SCRIPTED) || !(caps & SCONCE_CAP_SYSCALL_EXITS) || life->code != 0)
        return;
    snprintf(guest, sizeof guest, "%s/faults.elf", check->setup->guest_dir);
    if (step(life, sconce_guest_load_file(life->box.runtime, guest, &trap->guest, &trap->err)) &&
        step(life, check_box_new(trap, NULL, &trap->sandbox)))
        step(life, check_call(trap, "syscall_result", WITH(check_u64(39))));
}

/* Likewise a fault that is handled. */
static void live_with_fault(struct check *check, struct life *life)
{
    struct check_box *box = &life->fault;
    char guest[PATH_MAX];

    if ((check->setup->probe.caps & SCONCE_CAP_SCRIPTED) || !check->setup->has_fault ||
        life->code != 0)
        return;
    snprintf(guest, sizeof guest, "%s/handler.elf", check->setup->guest_dir);
    if (step(life, sconce_guest_load_file(life->box.runtime, guest, &box->guest, &box->err)) &&
        step(life, check_box_new(box, NULL, &box->sandbox)))
        step(life, check_call(box, "skip", WITHOUT));
}

/* A runtime with the failure at @point; 0 for none. The count starts anew. */
static enum check_outcome start_life(struct check *check, struct sconce_config *config,
                                     unsigned point, struct life *life)
{
    const struct sconce_runtime_options options = {.size = sizeof options,
                                                   .config = config,
                                                   .log = keep_failed,
                                                   .log_ctx = life,
                                                   .log_level = SCONCE_LOG_INFO};
    char number[16];

    *life = (struct life){0};
    snprintf(number, sizeof number, "%u", point);
    CHECK(check, configure(config, "backend.fail-nth.fail_at", number) == 0, "cannot set fail_at");
    CHECK(check, sconce_runtime_new(&options, &life->box.runtime, &life->box.err) == 0,
          "no runtime: %s", life->box.err.text);
    return CHECK_OK;
}

static enum check_outcome live_with(struct check *check, struct sconce_config *config,
                                    unsigned point, struct life *life)
{
    CHECK_STEP(start_life(check, config, point, life));
    live(check, life);
    live_with_trap(check, life);
    live_with_fault(check, life);
    check_box_close(&life->fault);
    check_box_close(&life->trap);
    check_box_close(&life->box);
    return CHECK_OK;
}

/* Without it all goes on, but slower. */
static bool can_do_without(const struct life *life)
{
    return strstr(life->failed, " dirty_") != NULL;
}

static enum check_outcome judge(struct check *check, const struct life *life,
                                const struct check_holdings *before)
{
    struct check_holdings after = check_count();

    if (can_do_without(life)) {
        CHECK(check, life->code == 0, "call %s failed, which is no reason for: %s", life->failed,
              life->text);
    } else {
        CHECK(check, life->code != 0, "call %s failed, and nobody was told", life->failed);
        CHECK(check, strstr(life->text, "on purpose"), "call %s failed, but the error says: %s",
              life->failed, life->text);
    }
    CHECK(check, after.fds == before->fds, "call %s failed and left %d fds", life->failed,
          (int)(after.fds - before->fds));
    CHECK(check, after.mappings <= before->mappings, "call %s failed and left %d mappings",
          life->failed, (int)(after.mappings - before->mappings));
    return CHECK_OK;
}

/* Another sandbox of the same backend, which must not notice. Its calls come after the one that
 * fails, and are not counted again. */
static enum check_outcome bystander_is_well(struct check *check, struct life *bystander,
                                            const struct life *life)
{
    int code = check_call(&bystander->box, "nothing", WITHOUT);

    CHECK(check, is_answer(check, code), "call %s failed, and so did another sandbox: %s",
          life->failed, bystander->box.err.text);
    return CHECK_OK;
}

/* Each point once, until there are no more. */
static enum check_outcome sweep(struct check *check, struct sconce_config *config,
                                struct life *bystander, unsigned *ret_points)
{
    const struct check_holdings before = check_count();
    struct life life;
    unsigned point;

    for (point = 1; point < MAX_POINTS; point++) {
        CHECK_STEP(live_with(check, config, point, &life));
        if (life.failed[0] == '\0')
            break;
        CHECK_STEP(judge(check, &life, &before));
        CHECK_STEP(bystander_is_well(check, bystander, &life));
    }
    CHECK(check, life.code == 0, "after all the failures: %s", life.text);
    *ret_points = point - 1;
    return CHECK_OK;
}

static void end_life(struct life *life)
{
    check_box_close(&life->box);
}

static enum check_outcome check_each(struct check *check)
{
    SCONCE_CLEANUP(free_config) struct sconce_config *config = NULL;
    SCONCE_CLEANUP(end_life) struct life bystander = {0};
    struct life life;
    unsigned points = 0;

    if (!check->setup->interposer[0])
        return check_skip(check, "the fail-nth interposer is not at hand: see --interposer");
    setenv("SCONCE_FAIL_NTH_WRAPS", check->setup->path, 1);
    CHECK_STEP(make_config(check, &config));
    for (int i = 0; i < 2; i++) {
        CHECK_STEP(live_with(check, config, 0, &life));
        CHECK(check, life.code == 0, "even without a failure: %s", life.text);
    }
    CHECK_STEP(start_life(check, config, 0, &bystander));
    live(check, &bystander);
    CHECK_STEP(bystander_is_well(check, &bystander, &bystander));
    CHECK_STEP(sweep(check, config, &bystander, &points));
    return check_note(check, "%u points tried", points);
}

const struct check_row check_fail_nth_rows[] = {
    {"fail-nth.each", "each call of the backend may fail", CHECK_NEEDS_PROBE | CHECK_NEEDS_GUESTS,
     check_each},
    {NULL, NULL, 0, NULL},
};
