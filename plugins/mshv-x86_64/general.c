/* SPDX-License-Identifier: Apache-2.0 */
/*
 * General registers, RIP and RFLAGS: in the register page while it holds what the VP has, else by
 * hypercall. One class is never written both ways between two runs: the page would win.
 */
#include <string.h>

#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/hypercall.h"

#define COUNT (MSHV_X86_GENERAL + 2u)
#define ALL (HV_DIRTY_GENERAL | HV_DIRTY_IP | HV_DIRTY_FLAGS)

/* A message fills the page. After a signal it may be old. */
static struct hv_register_page *current_page(const struct sconce_plugin_vm *vm)
{
    struct hv_register_page *page = vm->mshv.machine.register_page;

    return page && page->is_valid && vm->page_fresh ? page : NULL;
}

static int32_t read_all(struct sconce_plugin_vm *vm, struct mshv_x86_general *to,
                        struct sconce_plugin_error *err)
{
    const struct hv_register_page *page = current_page(vm);
    struct mshv_value values[COUNT];
    uint32_t names[COUNT];
    int32_t r;

    if (page) {
        memcpy(to->gp, page->gp, sizeof to->gp);
        to->rip = page->rip;
        to->rflags = page->rflags;
        return SCONCE_PLUGIN_OK;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        names[i] = HV_RAX + i;
    r = sconce_mshv_get_registers(vm->mshv.machine.vp_fd, names, values, COUNT,
                                  "read general registers", err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    for (uint32_t i = 0; i < MSHV_X86_GENERAL; i++)
        to->gp[i] = values[i].low;
    to->rip = values[HV_RIP - HV_RAX].low;
    to->rflags = values[HV_RFLAGS - HV_RAX].low;
    return SCONCE_PLUGIN_OK;
}

int32_t mshv_x86_general_fetch(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct mshv_x86_general now;
    int32_t r;

    if (vm->general_known)
        return SCONCE_PLUGIN_OK;
    r = read_all(vm, &now, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (vm->dirty & HV_DIRTY_GENERAL)
        memcpy(now.gp, vm->general.gp, sizeof now.gp);
    if (vm->dirty & HV_DIRTY_IP)
        now.rip = vm->general.rip;
    if (vm->dirty & HV_DIRTY_FLAGS)
        now.rflags = vm->general.rflags;
    vm->general = now;
    vm->general_known = true;
    return SCONCE_PLUGIN_OK;
}

static void fill_page(struct sconce_plugin_vm *vm, struct hv_register_page *page)
{
    if (vm->dirty & HV_DIRTY_GENERAL)
        memcpy(page->gp, vm->general.gp, sizeof page->gp);
    if (vm->dirty & HV_DIRTY_IP)
        page->rip = vm->general.rip;
    if (vm->dirty & HV_DIRTY_FLAGS)
        page->rflags = vm->general.rflags;
    page->dirty |= vm->dirty;
}

static int32_t set_dirty(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct mshv_register to[COUNT];
    uint16_t count = 0;

    if (vm->dirty & HV_DIRTY_GENERAL)
        for (uint32_t i = 0; i < MSHV_X86_GENERAL; i++)
            to[count++] = mshv_x86_register(HV_RAX + i, vm->general.gp[i]);
    if (vm->dirty & HV_DIRTY_IP)
        to[count++] = mshv_x86_register(HV_RIP, vm->general.rip);
    if (vm->dirty & HV_DIRTY_FLAGS)
        to[count++] = mshv_x86_register(HV_RFLAGS, vm->general.rflags);
    return sconce_mshv_set_registers(vm->mshv.machine.vp_fd, to, count, "set general registers",
                                     err);
}

/* A signal may come before the VP has taken what is in the page, which then has the only copy: of
 * an instruction that is over, that it is over. Whether the hypervisor would take it later, or
 * holds the page for invalid by then, is not known, so it is ours again and goes with the next run.
 */
void mshv_x86_general_take_back(struct sconce_plugin_vm *vm)
{
    struct hv_register_page *page = vm->mshv.machine.register_page;
    uint32_t untaken = page ? page->dirty & ALL : 0;

    if (untaken & HV_DIRTY_GENERAL)
        memcpy(vm->general.gp, page->gp, sizeof page->gp);
    if (untaken & HV_DIRTY_IP)
        vm->general.rip = page->rip;
    if (untaken & HV_DIRTY_FLAGS)
        vm->general.rflags = page->rflags;
    if (untaken)
        page->dirty = 0;
    vm->dirty |= untaken;
}

/* A message tells that the VP has run, with what was in the page. Whether the hypervisor says so in
 * the page as well is not known: it would be taken back for what was never taken. */
void mshv_x86_general_taken(struct sconce_plugin_vm *vm)
{
    struct hv_register_page *page = vm->mshv.machine.register_page;

    if (page)
        page->dirty = 0;
}

int32_t mshv_x86_general_flush(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    struct hv_register_page *page = current_page(vm);
    int32_t r = SCONCE_PLUGIN_OK;

    mshv_x86_general_take_back(vm);
    if (!vm->dirty)
        return r;
    if (page)
        fill_page(vm, page);
    else
        r = set_dirty(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        vm->dirty = 0;
    return r;
}

void mshv_x86_general_set_rip(struct sconce_plugin_vm *vm, uint64_t rip)
{
    vm->general.rip = rip;
    vm->dirty |= HV_DIRTY_IP;
}

int32_t mshv_x86_read_standard(struct sconce_plugin_vm *vm, struct sconce_x86_standard *ret_regs,
                               struct sconce_plugin_error *err)
{
    const struct mshv_x86_general *g = &vm->general;
    const uint64_t *r8 = &g->gp[MSHV_R8];
    int32_t r = mshv_x86_general_fetch(vm, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    *ret_regs = (struct sconce_x86_standard){
        g->gp[MSHV_RAX], g->gp[MSHV_RBX], g->gp[MSHV_RCX], g->gp[MSHV_RDX], g->gp[MSHV_RSI],
        g->gp[MSHV_RDI], g->gp[MSHV_RBP], g->gp[MSHV_RSP], r8[0],           r8[1],
        r8[2],           r8[3],           r8[4],           r8[5],           r8[6],
        r8[7],           g->rip,          g->rflags,
    };
    return SCONCE_PLUGIN_OK;
}

void mshv_x86_write_standard(struct sconce_plugin_vm *vm, const struct sconce_x86_standard *r)
{
    vm->general = (struct mshv_x86_general){
        .gp = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi, r->r8, r->r9, r->r10,
               r->r11, r->r12, r->r13, r->r14, r->r15},
        .rip = r->rip,
        .rflags = r->rflags,
    };
    vm->general_known = true;
    vm->dirty = ALL;
}
