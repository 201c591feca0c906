/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sconce.regs/1 over plain structs: there is no vCPU, but a reset must clear what was set, and set
 * must refuse what an unprivileged guest could not hold, here as everywhere.
 */
#include <string.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/regs.h"
#include "plugins/stub/stub.h"
#include "sconce-ext-regs.h"

#define FXSAVE_MXCSR 24u    /* SDM vol 1, table 10-2 */
#define MXCSR_KNOWN 0xffffu /* SDM vol 1, 10.2.3 */

/* x87 and SSE: what every x86_64 has. */
#define XFEATURES_LEGACY (SCONCE_X86_XCR0_X87 | SCONCE_X86_XCR0_SSE)

void stub_regs_reset(struct stub_regs *regs)
{
    const uint16_t fcw = SCONCE_X86_FCW_INIT;
    const uint32_t mxcsr = SCONCE_X86_MXCSR_INIT;

    memset(regs, 0, sizeof *regs);
    regs->standard.rflags = SCONCE_X86_RFLAGS_INIT;
    regs->special.xcr0 = XFEATURES_LEGACY;
    regs->floats.xfeatures = XFEATURES_LEGACY;
    memcpy(regs->floats.fxsave, &fcw, sizeof fcw);
    memcpy(regs->floats.fxsave + FXSAVE_MXCSR, &mxcsr, sizeof mxcsr);
    regs->debug.dr6 = SCONCE_X86_DR6_INIT;
    regs->debug.dr7 = SCONCE_X86_DR7_INIT;
}

void stub_regs_enter(struct stub_regs *regs, const struct sconce_entry *entry)
{
    regs->standard.rip = entry->pc;
    regs->standard.rsp = entry->sp;
    regs->standard.rdi = entry->args[0]; /* System V ABI, AMD64, 3.2.3 */
    regs->standard.rsi = entry->args[1];
    regs->special.fs_base = entry->tls;
}

struct file {
    void *data;
    uint64_t bytes;
};

static int32_t find_file(struct sconce_plugin_vm *vm, uint32_t file, uint64_t bytes,
                         struct file *ret, struct sconce_plugin_error *err)
{
    switch (file) {
    case SCONCE_REGS_STANDARD:
        *ret = (struct file){&vm->regs.standard, sizeof vm->regs.standard};
        break;
    case SCONCE_REGS_SPECIAL:
        *ret = (struct file){&vm->regs.special, sizeof vm->regs.special};
        break;
    case SCONCE_REGS_FLOAT:
        *ret = (struct file){&vm->regs.floats, sizeof vm->regs.floats};
        break;
    case SCONCE_REGS_DEBUG:
        *ret = (struct file){&vm->regs.debug, sizeof vm->regs.debug};
        break;
    default:
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%u is no register file", file);
    }
    if (bytes != ret->bytes)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "register file %u has %llu bytes, not %llu",
                         file, (unsigned long long)ret->bytes, (unsigned long long)bytes);
    return SCONCE_PLUGIN_OK;
}

static const char *check_special(const struct sconce_x86_special *now,
                                 const struct sconce_x86_special *wanted)
{
    struct sconce_x86_special same = *wanted;

    same.fs_base = now->fs_base;
    same.gs_base = now->gs_base;
    if (memcmp(&same, now, sizeof same) != 0)
        return "of the special registers only the FS and GS bases can be set";
    if (!sconce_x86_user_address(wanted->fs_base) || !sconce_x86_user_address(wanted->gs_base))
        return "the FS or GS base is no address of a guest's";
    return NULL;
}

static bool is_zero(const void *data, size_t bytes)
{
    const uint8_t *byte = data;

    for (size_t i = 0; i < bytes; i++) {
        if (byte[i] != 0)
            return false;
    }
    return true;
}

static const char *check_float(const struct sconce_x86_float *regs)
{
    uint32_t mxcsr;

    memcpy(&mxcsr, regs->fxsave + FXSAVE_MXCSR, sizeof mxcsr);
    if (mxcsr & ~MXCSR_KNOWN)
        return "MXCSR has reserved bits set";
    if (regs->reserved0 != 0)
        return "reserved0 of the float file is not zero";
    if ((regs->xfeatures & ~(uint64_t)XFEATURES_LEGACY) ||
        !is_zero(regs->ymm_hi, sizeof *regs - offsetof(struct sconce_x86_float, ymm_hi)))
        return "this vCPU has x87 and SSE state only";
    return NULL;
}

static int32_t regs_get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    struct file from;
    int32_t status = find_file(vm, file, bytes, &from, err);

    if (status == SCONCE_PLUGIN_OK)
        memcpy(buf, from.data, from.bytes);
    return status;
}

static int32_t regs_set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                        struct sconce_plugin_error *err)
{
    const char *problem = NULL;
    struct file to;
    int32_t status = find_file(vm, file, bytes, &to, err);

    if (status != SCONCE_PLUGIN_OK)
        return status;
    if (file == SCONCE_REGS_STANDARD && !sconce_x86_standard_valid(buf))
        problem = "RIP or RFLAGS is nothing that an unprivileged guest could hold";
    else if (file == SCONCE_REGS_SPECIAL)
        problem = check_special(&vm->regs.special, buf);
    else if (file == SCONCE_REGS_FLOAT)
        problem = check_float(buf);
    else if (file == SCONCE_REGS_DEBUG && !sconce_x86_debug_valid(buf))
        problem = "a breakpoint outside the guest, or reserved bits";
    if (problem)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%s", problem);
    memcpy(to.data, buf, to.bytes);
    return SCONCE_PLUGIN_OK;
}

const struct sconce_ext_regs stub_ext_regs = {
    .size = sizeof stub_ext_regs,
    .get = regs_get,
    .set = regs_set,
};
