/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of /dev/mshv with nothing between it and the ioctls. Numbers and structs are its own,
 * written from the kernel's documentation of the interface: it includes no header of the double's
 * and none of a plugin's, and asks for no kindness of a double. Every test is named for its fact.
 */
#ifndef MSHV_CLIENT_H
#define MSHV_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/ioctl.h>

#define CREATE_PARTITION 0x4010b800ul
#define INITIALIZE 0x0000b800ul
#define CREATE_VP 0x4004b801ul
#define SET_MEMORY 0x4020b802ul
#define ROOT_HVCALL 0xc020b807ul
#define RUN_VP 0x8100b800ul
#define ACCESS_BITMAP 0xc020b806ul
#define GET_STATE 0xc010b801ul
#define SET_STATE 0xc010b802ul

#define WRITABLE 1
#define EXECUTABLE 2
#define UNMAP 4

struct creation {
    uint64_t flags, isolation;
    uint16_t banks;
    uint8_t zero0[6];
    uint64_t disabled[2], zero1[2], disabled_xsave;
};

struct memory {
    uint64_t bytes, page, host;
    uint8_t flags, zero[7];
};

struct call {
    uint16_t code, reps, in_bytes, out_bytes, status;
    uint8_t zero[6];
    const void *in;
    void *out;
};

struct state {
    uint8_t type, zero[3];
    uint32_t bytes;
    void *buffer;
};

struct value {
    uint64_t low, high;
};

struct pair {
    uint32_t name, zero0;
    uint64_t zero1;
    struct value value;
};

/* Messages, by the offsets of their fields. */
struct message {
    uint8_t bytes[256];
};
#define IO_PORT 0x80010000u
#define UNMAPPED_GPA 0x80000000u
#define GPA_INTERCEPT 0x80000001u
#define HALT 0x80010007u
#define EXCEPTION 0x80010003u
#define CPUID 0x80010002u
#define MSR 0x80010001u
#define UNRECOVERABLE 0x80000021u
#define INVALID_REGISTER 0x80000020u
#define UNSUPPORTED 0x80000022u

uint64_t field(const struct message *m, size_t offset, size_t bytes);
/* Offset in the payload. */
#define PAYLOAD(m, offset, bytes) field(m, 16 + (offset), bytes)
#define TYPE(m) ((uint32_t)field(m, 0, 4))
#define INSN_LENGTH(m) (PAYLOAD(m, 4, 1) & 15)
#define ACCESS(m) PAYLOAD(m, 5, 1)
#define MESSAGE_RIP(m) PAYLOAD(m, 24, 8)

#define RAX 0x20000u
#define RCX 0x20001u
#define RDX 0x20002u
#define RBX 0x20003u
#define RSP 0x20004u
#define RSI 0x20006u
#define RDI 0x20007u
#define R8 0x20008u
#define R15 0x2000fu
#define RIP 0x20010u
#define RFLAGS 0x20011u
#define CR0 0x40000u
#define CR3 0x40002u
#define CR4 0x40003u
#define EFER 0x80001u
#define CS 0x60001u
#define SS 0x60002u
#define DS 0x60003u
#define ES 0x60000u
#define FS 0x60004u
#define XMM0 0x30000u
#define XFEM 0x40005u

/* The guest's memory: page tables that map 1 GiB to itself by 2 MiB, code, a page of data. */
#define RAM_BYTES 0x100000u
#define TABLES 0x1000u
#define CODE_AT 0x10000u
#define DATA_AT 0x20000u
#define STACK_AT 0x30000u
#define READ_ONLY_AT 0x200000u /* one page, without WRITABLE */
#define NOWHERE 0x300000u

struct machine {
    int dev, pt, vp;
    int file;       /* memfd behind the memory */
    uint8_t *ram;   /* RAM_BYTES at guest-physical 0, all rights */
    uint8_t *fixed; /* the page at READ_ONLY_AT */
    struct message message;
};

/** machine_new - a partition with memory and VP 0, in 64-bit mode, ring 0, at @code. */
void machine_new(struct machine *m, const void *code, size_t bytes);
void machine_free(struct machine *m);
/** machine_place - @code at @gpa of the RAM. */
void machine_place(struct machine *m, uint32_t gpa, const void *code, size_t bytes);
#define CODE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

/** client_open, client_partition - alone, without the rest; assert that it works. */
int client_open(void);
int client_partition(int dev);
/** client_map - SET_GUEST_MEMORY: 0 or -1. */
int client_map(int pt, const void *host, uint64_t bytes, uint64_t gpa, uint8_t flags);
void *client_memory(uint64_t bytes, int *ret_file);

/** client_descriptors - how many are open below a number. What is at 900 and above is a double's.
 */
unsigned client_descriptors(int below);

/** client_run - RUN_VP: the message's type; 0 and errno when it fails. */
uint32_t client_run(struct machine *m);
/** client_call - ROOT_HVCALL: 0 or -1. @call keeps what the kernel gave back. */
int client_call(int fd, struct call *call);
/** client_get, client_set - one register of VP 0, through the VP; assert that it works. */
uint64_t client_get(struct machine *m, uint32_t name);
struct value client_get_wide(struct machine *m, uint32_t name);
void client_set(struct machine *m, uint32_t name, uint64_t value);
void client_set_wide(struct machine *m, uint32_t name, struct value value);
/** client_property - through the partition: 0 or -1; @ret_status may be NULL. */
int client_set_property(int pt, uint32_t code, uint64_t value, uint16_t *ret_status);
int client_get_property(int fd, uint32_t code, uint64_t *ret_value, uint16_t *ret_status);
/** client_cpuid - what VP 0's leaf has: EAX EBX ECX EDX. */
void client_cpuid(struct machine *m, uint32_t leaf, uint32_t subleaf, uint32_t values[4]);

/** client_skip - RIP behind the instruction of the last message. */
void client_skip(struct machine *m);

#define assert_fails(call, error)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        assert_int_equal((call), -1);                                                              \
        assert_int_equal(errno, (error));                                                          \
    } while (0)

/** client_check - 0; 77 where /dev/kvm cannot be used; 1 where it can, but nobody serves /dev/mshv.
 */
int client_check(void);
/** client_main - the check, and then the tests. */
int client_main(const struct CMUnitTest *tests, size_t count);
#define CLIENT_MAIN(tests) client_main(tests, sizeof(tests) / sizeof(tests)[0])

#endif
