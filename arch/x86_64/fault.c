/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding exceptions, and naming them. */
#include "arch/x86_64/fault.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch/x86_64/supervisor.h"
#include "common/span-text.h"

/* Mnemonic and meaning of each vector: SDM vol 3A table 6-1; 28 to 30 AMD APM vol 2 8.2. */
static const struct {
    const char *name;
    uint32_t kind;
} vectors[32] = {
    [0] = {"#DE", SCONCE_FAULT_ARITHMETIC}, [1] = {"#DB", SCONCE_FAULT_STEP},
    [2] = {"NMI", SCONCE_FAULT_OTHER},      [3] = {"#BP", SCONCE_FAULT_BREAKPOINT},
    [4] = {"#OF", SCONCE_FAULT_OTHER},      [5] = {"#BR", SCONCE_FAULT_OTHER},
    [6] = {"#UD", SCONCE_FAULT_ILLEGAL},    [7] = {"#NM", SCONCE_FAULT_ILLEGAL},
    [8] = {"#DF", SCONCE_FAULT_OTHER},      [10] = {"#TS", SCONCE_FAULT_PRIVILEGE},
    [11] = {"#NP", SCONCE_FAULT_PRIVILEGE}, [12] = {"#SS", SCONCE_FAULT_STACK},
    [13] = {"#GP", SCONCE_FAULT_PRIVILEGE}, [14] = {"#PF", SCONCE_FAULT_MEMORY},
    [16] = {"#MF", SCONCE_FAULT_FLOAT},     [17] = {"#AC", SCONCE_FAULT_ALIGNMENT},
    [18] = {"#MC", SCONCE_FAULT_OTHER},     [19] = {"#XM", SCONCE_FAULT_FLOAT},
    [20] = {"#VE", SCONCE_FAULT_OTHER},     [21] = {"#CP", SCONCE_FAULT_OTHER},
    [28] = {"#HV", SCONCE_FAULT_OTHER},     [29] = {"#VC", SCONCE_FAULT_OTHER},
    [30] = {"#SX", SCONCE_FAULT_OTHER},
};

static uint32_t page_fault_access(uint32_t error)
{
    if (error & SCONCE_X86_PF_FETCH)
        return SCONCE_ACCESS_EXEC;
    return error & SCONCE_X86_PF_WRITE ? SCONCE_ACCESS_WRITE : SCONCE_ACCESS_READ;
}

void sconce_x86_fault(const struct sconce_x86_exception *exception,
                      struct sconce_exit_fault *ret_fault)
{
    uint32_t kind = SCONCE_FAULT_OTHER;

    if (exception->vector < 32 && vectors[exception->vector].name)
        kind = vectors[exception->vector].kind;
    *ret_fault = (struct sconce_exit_fault){
        .kind = kind,
        .pc = exception->rip,
        .detail = exception->vector | (uint64_t)exception->error << 8,
    };
    if (kind == SCONCE_FAULT_MEMORY) {
        ret_fault->access = page_fault_access(exception->error);
        ret_fault->address = exception->cr2;
    } else if (kind == SCONCE_FAULT_STACK) {
        ret_fault->address = exception->rsp;
    }
}

void sconce_x86_describe_fault(const struct sconce_exit_fault *fault, char *buf, uint64_t bytes)
{
    struct sconce_span_text w = {.buf = buf, .bytes = bytes};
    uint8_t vector = (uint8_t)fault->detail;

    if (!bytes)
        return;
    if (vector < 32 && vectors[vector].name) {
        sconce_span_text_add(&w, vectors[vector].name);
    } else {
        sconce_span_text_add(&w, "vector ");
        sconce_span_text_add_hex(&w, vector);
    }
    if (sconce_x86_has_error_code(vector)) {
        sconce_span_text_add(&w, ", error ");
        sconce_span_text_add_hex(&w, fault->detail >> 8);
    }
    buf[w.used] = '\0';
}
