/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the guest "handler" share; ARCH/handler-machine.h has the registers' names, and
 * ARCH/handler.S the machine code. */
#ifndef SCONCE_TESTS_HANDLER_H
#define SCONCE_TESTS_HANDLER_H

#include <stdint.h>

#include <sconce/guest.h>

/* Reads a word: its first instruction has MACHINE_READ_BYTES, its address in the first argument's
 * register, and its result in the result's. */
uint64_t handler_read(uint64_t address);

/* Runs an undefined instruction of MACHINE_UNDEFINED_BYTES, then returns 7. */
uint32_t handler_undefined(void);

/* Fills registers, of vectors with @pattern, runs the undefined instruction, and stores what they
 * are behind it: vectors in @ret_vectors, the flags and as many words as the machine has in
 * @ret_words, each of which is what the index says: handler_word(). */
void handler_keep(const uint8_t *pattern, uint8_t *ret_vectors, uint64_t *ret_words);
#define HANDLER_VECTOR_BYTES 16
#define HANDLER_WORDS_MOST 32
static inline uint64_t handler_word(unsigned i)
{
    return 0x0101010101010101u * (i + 1);
}

/* A place to return to: 0, and 1 when it is returned to. */
int handler_mark(uint64_t *words) __attribute__((returns_twice));
void handler_return(uint64_t *words) __attribute__((noreturn));
#define HANDLER_MARK_WORDS 24

/* Have @fn called for faults, and count them. Returns sconce_on_fault()'s result. */
int handler_with(sconce_fault_fn fn);

#endif
