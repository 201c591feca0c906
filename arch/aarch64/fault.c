/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding exceptions, and naming them. */
#include "arch/aarch64/fault.h"

#include <stddef.h>

#include "common/span-text.h"

/* Name and meaning of each exception class: Arm ARM D17.2.37, table of EC. */
static const struct {
    const char *name;
    uint32_t kind;
} classes[64] = {
    [SCONCE_A64_EC_UNKNOWN] = {"undefined instruction", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_WFX] = {"WFI or WFE", SCONCE_FAULT_PRIVILEGE},
    [SCONCE_A64_EC_FP] = {"FP or SIMD access", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_PAC] = {"pointer authentication trapped", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_LS64] = {"LD64B or ST64B", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_BTI] = {"branch target", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_ILLEGAL_STATE] = {"illegal execution state", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_SVC32] = {"SVC from AArch32", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_SVC] = {"SVC", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_HVC] = {"HVC", SCONCE_FAULT_PRIVILEGE},
    [SCONCE_A64_EC_SMC] = {"SMC", SCONCE_FAULT_PRIVILEGE},
    [SCONCE_A64_EC_SYSREG] = {"system register access", SCONCE_FAULT_PRIVILEGE},
    [SCONCE_A64_EC_SVE] = {"SVE access", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_FPAC] = {"pointer authentication failed", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_SME] = {"SME access", SCONCE_FAULT_ILLEGAL},
    [SCONCE_A64_EC_INSN_ABORT] = {"instruction abort", SCONCE_FAULT_MEMORY},
    [SCONCE_A64_EC_INSN_ABORT_SAME] = {"instruction abort at EL1", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_PC_ALIGN] = {"PC alignment", SCONCE_FAULT_ALIGNMENT},
    [SCONCE_A64_EC_DATA_ABORT] = {"data abort", SCONCE_FAULT_MEMORY},
    [SCONCE_A64_EC_DATA_ABORT_SAME] = {"data abort at EL1", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_SP_ALIGN] = {"SP alignment", SCONCE_FAULT_ALIGNMENT},
    [SCONCE_A64_EC_MOPS] = {"memory copy or set", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_FP_TRAP] = {"floating-point exception", SCONCE_FAULT_FLOAT},
    [SCONCE_A64_EC_SERROR] = {"SError", SCONCE_FAULT_OTHER},
    [SCONCE_A64_EC_BREAKPOINT] = {"hardware breakpoint", SCONCE_FAULT_STEP},
    [SCONCE_A64_EC_STEP] = {"software step", SCONCE_FAULT_STEP},
    [SCONCE_A64_EC_WATCHPOINT] = {"watchpoint", SCONCE_FAULT_STEP},
    [SCONCE_A64_EC_BKPT32] = {"BKPT", SCONCE_FAULT_BREAKPOINT},
    [SCONCE_A64_EC_BRK] = {"BRK", SCONCE_FAULT_BREAKPOINT},
};

/* What EL1 or above may execute: (insn & mask) == value. Arm ARM C4.1.66 (branches, exception
 * generating and system instructions); MTE's tag block instructions C4.1.94. Accesses to
 * whole registers are told by their op1, below. */
static const struct {
    uint32_t mask;
    uint32_t value;
} privileged[] = {
    {0xffe0001f, 0xd4000002}, /* HVC */
    {0xffe0001f, 0xd4000003}, /* SMC */
    {0xffe0001f, 0xd4400000}, /* HLT */
    {0xffe0001f, 0xd4a00001}, /* DCPS1 */
    {0xffe0001f, 0xd4a00002}, /* DCPS2 */
    {0xffe0001f, 0xd4a00003}, /* DCPS3 */
    {0xffffffff, 0xd69f03e0}, /* ERET */
    {0xffffffff, 0xd69f0bff}, /* ERETAA */
    {0xffffffff, 0xd69f0fff}, /* ERETAB */
    {0xffffffff, 0xd6bf03e0}, /* DRPS */
    {0xfffff0ff, 0xd500407f}, /* MSR UAO, immediate */
    {0xfffff0ff, 0xd500409f}, /* MSR PAN, immediate */
    {0xfffff0ff, 0xd50040bf}, /* MSR SPSel, immediate */
    {0xfffff0ff, 0xd501401f}, /* MSR ALLINT, immediate */
    {0xfffff0df, 0xd50340df}, /* MSR DAIFSet, DAIFClr */
    {0xffffffe0, 0xd51bd060}, /* MSR TPIDRRO_EL0: EL0 may only read it */
    {0xffffffe0, 0xd51be000}, /* MSR CNTFRQ_EL0: likewise */
    {0xfffffc00, 0xd9e00000}, /* LDGM */
    {0xfffffc00, 0xd9a00000}, /* STGM */
    {0xfffffc00, 0xd9200000}, /* STZGM */
};

/* MSR, MRS, SYS, SYSL with op0 of 1 to 3: bits 31:22 fixed, op0 in 20:19, op1 in 18:16. The lowest
 * exception level that may use one is in its op1, and 3 is EL0's: Arm ARM D18.1 (System register
 * encoding). */
static bool is_system_access(uint32_t insn)
{
    return (insn & 0xffc00000) == 0xd5000000 && (insn >> 19 & 3) != 0;
}

bool sconce_a64_is_privileged(uint32_t insn)
{
    if (is_system_access(insn) && (insn >> 16 & 7) != 3)
        return true;
    for (size_t i = 0; i < sizeof privileged / sizeof privileged[0]; i++)
        if ((insn & privileged[i].mask) == privileged[i].value)
            return true;
    return false;
}

static uint32_t abort_access(uint32_t class, uint32_t iss)
{
    if (class == SCONCE_A64_EC_INSN_ABORT)
        return SCONCE_ACCESS_EXEC;
    /* Cache maintenance by address reports itself as a write, and changes no byte. */
    return iss & SCONCE_A64_ISS_WNR && !(iss & SCONCE_A64_ISS_CM) ? SCONCE_ACCESS_WRITE
                                                                  : SCONCE_ACCESS_READ;
}

static uint32_t kind_of(const struct sconce_a64_exception *exception)
{
    uint32_t class = SCONCE_A64_ESR_EC(exception->esr);

    if (!classes[class].name)
        return SCONCE_FAULT_OTHER;
    if (class == SCONCE_A64_EC_UNKNOWN && sconce_a64_is_privileged(exception->insn))
        return SCONCE_FAULT_PRIVILEGE;
    if (class == SCONCE_A64_EC_DATA_ABORT &&
        SCONCE_A64_ISS_FSC(SCONCE_A64_ESR_ISS(exception->esr)) == SCONCE_A64_FSC_ALIGNMENT)
        return SCONCE_FAULT_ALIGNMENT;
    return classes[class].kind;
}

/* An external abort may come without its address: Arm ARM D17.2.37, FnV. */
static uint64_t abort_address(const struct sconce_a64_exception *exception)
{
    uint32_t iss = SCONCE_A64_ESR_ISS(exception->esr);
    bool unknown = SCONCE_A64_ISS_FSC(iss) == SCONCE_A64_FSC_EXTERNAL && iss & SCONCE_A64_ISS_FNV;

    return unknown ? 0 : exception->far;
}

void sconce_a64_fault(const struct sconce_a64_exception *exception,
                      struct sconce_exit_fault *ret_fault)
{
    *ret_fault = (struct sconce_exit_fault){
        .kind = kind_of(exception),
        .pc = exception->pc,
        .detail = exception->esr,
    };
    if (ret_fault->kind == SCONCE_FAULT_MEMORY) {
        ret_fault->access =
            abort_access(SCONCE_A64_ESR_EC(exception->esr), SCONCE_A64_ESR_ISS(exception->esr));
        ret_fault->address = abort_address(exception);
    } else if (SCONCE_A64_ESR_EC(exception->esr) == SCONCE_A64_EC_SP_ALIGN) {
        ret_fault->address = exception->sp;
    } else if (ret_fault->kind == SCONCE_FAULT_ALIGNMENT) {
        ret_fault->address = exception->far;
    }
}

/* Fault status codes whose two low bits are the level: Arm ARM D17.2.37, table of DFSC. */
static const char *const status_by_level[16] = {
    [0] = "address size fault",
    [1] = "translation fault",
    [2] = "access flag fault",
    [3] = "permission fault",
    [5] = "external abort on a table walk",
};

static void describe_abort(struct sconce_span_text *text, uint32_t fsc)
{
    if (status_by_level[fsc >> 2]) {
        sconce_span_text_add(text, ", ");
        sconce_span_text_add(text, status_by_level[fsc >> 2]);
        sconce_span_text_add(text, ", level ");
        sconce_span_text_add(text, &"0\0001\0002\0003"[(fsc & 3) * 2]);
    } else if (fsc == SCONCE_A64_FSC_ALIGNMENT) {
        sconce_span_text_add(text, ", alignment fault");
    } else if (fsc == SCONCE_A64_FSC_EXTERNAL) {
        sconce_span_text_add(text, ", external abort");
    }
}

void sconce_a64_describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    struct sconce_span_text text = {.buf = buf, .bytes = bytes};
    uint32_t class = SCONCE_A64_ESR_EC(fault->detail);

    if (!bytes)
        return;
    if (classes[class].name) {
        sconce_span_text_add(&text, classes[class].name);
    } else {
        sconce_span_text_add(&text, "exception class ");
        sconce_span_text_add_hex(&text, class);
    }
    if (class == SCONCE_A64_EC_DATA_ABORT || class == SCONCE_A64_EC_INSN_ABORT)
        describe_abort(&text, SCONCE_A64_ISS_FSC(SCONCE_A64_ESR_ISS(fault->detail)));
    sconce_span_text_add(&text, ", ESR ");
    sconce_span_text_add_hex(&text, fault->detail);
    buf[text.used] = '\0';
}
