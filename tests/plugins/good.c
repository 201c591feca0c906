/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that keeps to the contract and makes no VMs: for tests of what comes before a VM. Built
 * several times, with other names, versions, machines and kinds of isolation. Its probe tells what
 * happened to it: version, how often it was entered and released, and its settings.
 */
#include <stdlib.h>

#include "sconce-ext-arch.h"
#include "sconce-ext-lifecycle.h"
#include "sconce-ext-regs.h"
#include "tests/plugins/parts.h"

#ifndef GOOD_THREADS
#define GOOD_THREADS SCONCE_THREADS_PER_VM
#endif

static const struct sconce_plugin_host *host;
static unsigned entered, released;
static char mode[32] = "plain";
static char label[32] = "-";

static const struct sconce_plugin_setting settings[] = {
    {"mode", "plain", "any word but wrong and absent"},
    {"label", NULL, "any text"},
};

static int32_t configure(const char *key, const char *value, struct sconce_plugin_error *err)
{
    if (strcmp(key, "label") == 0) {
        snprintf(label, sizeof label, "%s", value);
        return SCONCE_PLUGIN_OK;
    }
    if (strcmp(value, "wrong") == 0) {
        snprintf(err->text, sizeof err->text, "wrong is no mode");
        snprintf(err->hint, sizeof err->hint, "plain is one");
        return SCONCE_PLUGIN_E_INVALID;
    }
    if (strcmp(value, "absent") == 0) {
        snprintf(err->text, sizeof err->text, "the machine lacks the absent mode");
        return SCONCE_PLUGIN_E_UNAVAILABLE;
    }
    snprintf(mode, sizeof mode, "%s", value);
    return SCONCE_PLUGIN_OK;
}

static int32_t probe(struct sconce_probe *ret_probe, struct sconce_plugin_error *err)
{
    int32_t status = part_probe(ret_probe, err);

    host->log(host->ctx, SCONCE_LOG_INFO, "good.probe", "probing\nin two lines");
    snprintf(ret_probe->description, sizeof ret_probe->description,
             "version " GOOD_VERSION ", entered %u, released %u, mode %.16s, label %.8s", entered,
             released, mode, label);
    return status;
}

static int32_t regs_get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    (void)vm;
    (void)file;
    (void)buf;
    (void)bytes;
    return part_fail(err);
}

static int32_t regs_set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    (void)vm;
    (void)file;
    (void)buf;
    (void)bytes;
    return part_fail(err);
}

static const char *syscall_name(uint64_t raw_nr)
{
    return raw_nr == 1 ? "one" : NULL;
}

static void describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    snprintf(buf, (size_t)bytes, "fault %u", fault->kind);
}

static void release(void)
{
    released++;
}

static const void *get_extension(const char *id)
{
    static const struct sconce_ext_arch arch = {.size = sizeof arch,
                                                .elf_machine = GOOD_MACHINE,
                                                .reloc_relative = 8,
                                                .page_bytes = 4096,
                                                .name = GOOD_ARCH,
                                                .syscall_name = syscall_name,
                                                .describe_fault = describe_fault};
    static const struct sconce_ext_regs regs = {
        .size = sizeof regs, .get = regs_get, .set = regs_set};
    static const struct sconce_ext_lifecycle lifecycle = {.size = sizeof lifecycle,
                                                          .release = release};

    if (strcmp(id, SCONCE_EXT_ARCH) == 0)
        return &arch;
    if (strcmp(id, SCONCE_EXT_REGS) == 0)
        return &regs;
    return strcmp(id, SCONCE_EXT_LIFECYCLE) == 0 ? &lifecycle : NULL;
}

static int32_t init(const struct sconce_plugin_host *given, struct sconce_plugin_error *err)
{
    (void)err;
    host = given;
    entered++;
    host->log(host->ctx, SCONCE_LOG_DEBUG, "good.entry", "entered");
    return SCONCE_PLUGIN_OK;
}

static const struct sconce_plugin_ops ops = {
    PART_OPS,
    .probe = probe,
    .configure = configure,
    .settings = settings,
    .setting_count = sizeof settings / sizeof settings[0],
};

SCONCE_PLUGIN_DEFINE(GOOD_NAME, GOOD_VERSION, GOOD_ARCH, GOOD_MACHINE, "parts", GOOD_ISOLATION,
                     "double", "nothing", GOOD_THREADS, &ops, init, get_extension);
