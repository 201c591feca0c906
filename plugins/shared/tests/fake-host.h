/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least host that a backend of Linux runs in, whatever its mechanism and architecture: loads
 * the plugin, lays out one memfd as a guest, checks every status. A program loads one plugin. Links
 * nothing of the plugin's.
 */
#ifndef SCONCE_PLUGINS_SHARED_TESTS_FAKE_HOST_H
#define SCONCE_PLUGINS_SHARED_TESTS_FAKE_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sconce-ext-arch.h"
#include "sconce-ext-regs.h"
#include "sconce-guest-abi.h"
#include "sconce-plugin.h"

/* The guest's memory: code, a hole, data, a hole, stack; each one granule. */
#define CODE_GPA 0x400000ull
#define DATA_GPA 0x420000ull
#define STACK_GPA 0x440000ull
#define STACK_TOP (STACK_GPA + SCONCE_MEM_GRANULE)
#define UNMAPPED_GPA 0x430000ull
#define GUEST_BYTES 0x50000ull

/* A guest is a piece of position-independent assembly in the test program, copied to CODE_GPA.
 * ARCH/code.h has what it is written with. */
#define GUEST(name, text)                                                                          \
    __asm__(".pushsection .rodata, \"a\"\n.balign 4\n.globl guest_" #name "\nguest_" #name         \
            ":\n" text "\n.globl guest_" #name "_end\nguest_" #name "_end:\n.popsection\n");       \
    extern const uint8_t guest_##name[], guest_##name##_end[]

/* A place in a guest, guest_NAME. */
#define LABEL(name) ".globl guest_" #name "\nguest_" #name ":\n"

struct fake_guest {
    struct sconce_plugin_vm *vm;
    uint8_t *host; /* guest address 0x400000 */
    int memfd;
};

extern const struct sconce_plugin *plugin;
extern const struct sconce_plugin_ops *ops;
extern const struct sconce_ext_regs *regs;
extern struct sconce_plugin_error error; /* of the last call */

/** fake_host_main - main() of a test program: PLUGIN.so is its argument. Returns 77, with the
 * reason printed, when the plugin's probe refuses. */
int fake_host_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count);

/** fake_host_main_with - the same, with @more tests behind them. */
int fake_host_main_with(int argc, char **argv, const struct CMUnitTest *tests, size_t count,
                        const struct CMUnitTest *more, size_t more_count);

/** fake_host_load - the plugin alone, without a probe, for a test that has a main() of its own. */
bool fake_host_load(const char *path);

/* The error, emptied for the next call. */
struct sconce_plugin_error *fresh_error(void);

void assert_ok(int32_t status);

/* A VM with @code mapped, not entered. */
void guest_new(struct fake_guest *guest, const uint8_t *code, const uint8_t *end);
/* Another VM with the same memory; the old one is the caller's to destroy. For any thread. */
int32_t guest_make_vm(struct fake_guest *guest, struct sconce_plugin_error *err);
void guest_enter(struct fake_guest *guest);
void guest_run(struct fake_guest *guest, struct sconce_exit *ret_exit);
void guest_expect_bell(struct fake_guest *guest, uint32_t number);
void guest_reset(struct fake_guest *guest);
void guest_free(struct fake_guest *guest);

/** guest_map - one granule of the guest's memfd, at @offset, also at @gpa; the op's status. */
int32_t guest_map(struct fake_guest *guest, uint64_t gpa, uint64_t offset, uint32_t prot);

/* Replace the code; the guest must not be inside it. */
void guest_load(struct fake_guest *guest, const uint8_t *code, const uint8_t *end);
/* Once code was written that a VM has mapped: what the core does. For any thread. */
int32_t guest_sync_code(struct fake_guest *guest, struct sconce_plugin_error *err);
uint64_t *guest_data(struct fake_guest *guest);

/* A whole register file; must succeed. */
void guest_get(struct fake_guest *guest, uint32_t file, void *to, size_t bytes);
void guest_set(struct fake_guest *guest, uint32_t file, const void *from, size_t bytes);

/* Entries of /proc/self/fd, lines of /proc/self/maps. */
unsigned count_fds(void);
unsigned count_maps(void);

#endif
