/* SPDX-License-Identifier: Apache-2.0 */
#include "core/runtime.h"

#include <stdlib.h>

#include "common/attributes.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/options.h"
#include "common/process.h"
#include "core/run.h"
#include "core/version.h"

const char *sconce_version(void)
{
    return SCONCE_VERSION;
}

SCONCE_HOT int sconce_check_process(uint32_t process, struct sconce_error *err)
{
    if (process == sconce_process_id())
        return 0;
    return sconce_fail_hint(err, SCONCE_E_FORKED, "make a runtime of its own in the child",
                            "this handle belongs to another process, which forked this one");
}

static void destroy(struct sconce_runtime *runtime)
{
    sconce_registry_free(runtime->registry);
    sconce_config_free(runtime->config);
    free(runtime);
}

static void cleanup_runtime(struct sconce_runtime *const *runtime)
{
    if (*runtime)
        destroy(*runtime);
}

static int take_config(struct sconce_runtime *runtime, const struct sconce_config *config,
                       struct sconce_error *err)
{
    if (!config)
        return sconce_config_load(NULL, &runtime->config, err);
    runtime->config = sconce_config_copy(config);
    return runtime->config ? 0 : sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
}

int sconce_runtime_new(const struct sconce_runtime_options *wanted,
                       struct sconce_runtime **ret_runtime, struct sconce_error *err)
{
    struct sconce_runtime_options options = {.size = sizeof options};
    SCONCE_CLEANUP(cleanup_runtime) struct sconce_runtime *runtime = NULL;
    int r = 0;

    if (wanted)
        r = sconce_options_take(&options, sizeof options, wanted, wanted->size, sizeof options,
                                "struct sconce_runtime_options", err);
    if (r < 0)
        return r;
    runtime = calloc(1, sizeof *runtime);
    if (!runtime)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory");
    atomic_init(&runtime->refs, 1);
    runtime->process = sconce_process_id();
    runtime->log =
        (struct sconce_log){.fn = options.log, .ctx = options.log_ctx, .level = options.log_level};

    r = take_config(runtime, options.config, err);
    if (r < 0)
        return r;
    runtime->settings = sconce_config_settings(runtime->config);
    r = sconce_kick_signal_install(runtime->settings->kick_signal, err);
    if (r < 0)
        return r;
    r = sconce_registry_new(runtime->config, &runtime->log, &runtime->registry, err);
    if (r < 0)
        return r;
    *ret_runtime = SCONCE_STEAL(runtime);
    return 0;
}

struct sconce_runtime *sconce_runtime_ref(struct sconce_runtime *runtime)
{
    if (runtime)
        atomic_fetch_add(&runtime->refs, 1);
    return runtime;
}

void sconce_runtime_unref(struct sconce_runtime *runtime)
{
    if (!runtime || runtime->process != sconce_process_id())
        return;
    if (atomic_fetch_sub(&runtime->refs, 1) == 1)
        destroy(runtime);
}

void sconce_runtime_free(struct sconce_runtime *runtime)
{
    sconce_runtime_unref(runtime);
}

int sconce_runtime_backends(struct sconce_runtime *runtime,
                            int (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                            struct sconce_error *err)
{
    int r = sconce_check_process(runtime->process, err);

    return r < 0 ? r : sconce_registry_each(runtime->registry, fn, ctx, err);
}

int sconce_runtime_probe(struct sconce_runtime *runtime, const char *name,
                         void (*fn)(void *ctx, const struct sconce_backend_info *info), void *ctx,
                         struct sconce_error *err)
{
    int r = sconce_check_process(runtime->process, err);

    return r < 0 ? r : sconce_registry_probe(runtime->registry, name, fn, ctx, err);
}
