/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VP that never runs, of a hypervisor that the test plays: its registers by name, its register
 * page, and what it leaves behind when a guest stops. One at a time; the tests write to all of it.
 */
#ifndef SCONCE_PLUGINS_MSHV_X86_64_TESTS_FAKE_HV_H
#define SCONCE_PLUGINS_MSHV_X86_64_TESTS_FAKE_HV_H

#include "plugins/mshv-x86_64/mshv-x86_64.h"
#include "plugins/shared/mshv/tests/fake-vp.h"
#include "plugins/shared/tests/exits.h"

extern struct sconce_plugin_vm vm;
extern uint8_t own[SCONCE_X86_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
extern struct hv_register_page page; /* the VM has it when use_page() was called */

/* When the signal comes of a run that ends without a message. */
extern enum fake_signal {
    SIGNAL_AFTER_THE_PAGE,  /* was taken: the VP has run */
    SIGNAL_BEFORE_THE_PAGE, /* was taken: it stays as it is */
    SIGNAL_AND_NO_PAGE,     /* the same, and the page is not valid any more */
} signal_comes;
extern bool leaves_dirty;     /* what was taken from the page stays marked in it */
extern unsigned signals_left; /* that are no kick, in front of the next message */

/** start_over - a VM that runs, and nothing has happened; each test's setup. */
int start_over(void **state);

/** use_page - the hypervisor gives a register page; it is filled when a message comes. */
void use_page(void);

/** put_syscall_at - the instruction, into the guest's memory. */
void put_syscall_at(uint64_t gpa);
/** io_message - an access to a port of an instruction of two bytes. */
struct hv_io_port io_message(uint16_t port, uint8_t access, uint8_t io, uint64_t rax, uint64_t rip);
/** trap - an exception with a frame on its stack, and the shim's OUT. */
struct hv_io_port trap(uint8_t vector, uint64_t error, uint64_t rip, uint64_t cs);
/** trap_in - the same in another VM, whose own memory is there. */
struct hv_io_port trap_in(uint8_t *own_memory, uint8_t vector, uint64_t error, uint64_t rip,
                          uint64_t cs);
/** run_to - vcpu_run that ends with this message. */
void run_to(uint32_t type, const void *payload, size_t bytes);

#endif
