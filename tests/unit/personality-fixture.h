/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox's side of the personality without any VM: a few stretches of memory at guest addresses,
 * and what came out of it. */
#ifndef SCONCE_TESTS_PERSONALITY_FIXTURE_H
#define SCONCE_TESTS_PERSONALITY_FIXTURE_H

#include "personality/personality.h"

/* From low to high: code and data touch, as do data and more data; the heap stands alone. */
#define CODE_AT 0x100000ull
#define DATA_AT 0x110000ull
#define MORE_AT 0x120000ull
#define BOOT_AT 0x200000ull /* readable alone */
#define HEAP_AT 0x400000ull
#define STRETCH 0x10000ull
#define HEAP_BYTES 0x100000ull
#define PAGE 4096ull
#define FIXTURE_STRETCHES 5u

#define MAP_ANON_PRIVATE 0x22ull
#define PROT_RW 3ull

struct fixture {
    struct sconce_personality p;
    struct sconce_personality_table table; /* an entry's number is its place in the list */
    struct sconce_error err;
    uint8_t *memory[FIXTURE_STRETCHES];
    uint64_t output_bytes[3]; /* by descriptor */
    char output[3][256];      /* the first of them */
    uint64_t largest_piece;
    const char *input; /* NULL: reading fails */
    int64_t input_lie; /* what the callback returns instead, when not 0 */
    uint64_t zeroed;   /* bytes */
    bool stopped;      /* the guest must stop, whenever it is asked */
    uint64_t tls;
    int tls_result;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/** fixture_at - the host's view; NULL where there is no memory. */
uint8_t *fixture_at(struct fixture *f, uint64_t address);

/** fixture_number - the raw number of the entry @name, which must exist. */
uint64_t fixture_number(const char *name);

/** fixture_call - the result, which there must be. Up to six arguments. */
int64_t fixture_call(struct fixture *f, const char *name, const uint64_t *args, size_t count);
#define CALL(f, name, ...)                                                                         \
    fixture_call(f, name, (const uint64_t[]){__VA_ARGS__},                                         \
                 sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/** fixture_ends - the code that the call ends the guest with; 0 when it does not. */
int fixture_ends(struct fixture *f, const char *name, const uint64_t *args, size_t count);
#define ENDS(f, name, ...)                                                                         \
    fixture_ends(f, name, (const uint64_t[]){__VA_ARGS__},                                         \
                 sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/** fixture_put - bytes into guest memory, whatever its protection. */
void fixture_put(struct fixture *f, uint64_t address, const void *data, size_t bytes);

/** fixture_is - are the @bytes bytes there all @byte? */
bool fixture_is(struct fixture *f, uint64_t address, uint8_t byte, size_t bytes);

#endif
