/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes: the host's, or a stream that follows from a seed (ChaCha20, RFC 8439 2.3, with a
 * 64-bit block counter and the stream's number as nonce), so that a run can be had again.
 */
#include <endian.h>
#include <string.h>
#include <sys/random.h>

#include "common/attributes.h"
#include "personality/trap.h"

#define BLOCK_BYTES 64u
#define KNOWN_FLAGS 7u        /* GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE */
#define MOST_BYTES (1u << 20) /* of one call; libcs ask again for the rest */

static uint32_t rotated(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

/* In line and with constants: each rewind of a sandbox makes a block. */
static inline __attribute__((always_inline)) void quarter_round(uint32_t *s, unsigned a, unsigned b,
                                                                unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotated(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotated(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotated(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotated(s[b] ^ s[c], 7);
}

static uint32_t load_le(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static void store_le(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

SCONCE_HOT static void make_block(const uint8_t *seed, uint64_t stream, uint64_t counter,
                                  uint8_t block[BLOCK_BYTES])
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];

    for (unsigned i = 0; i < 8; i++)
        start[4 + i] = load_le(seed + 4 * (size_t)i);
    start[12] = (uint32_t)counter;
    start[13] = (uint32_t)(counter >> 32);
    start[14] = (uint32_t)stream;
    start[15] = (uint32_t)(stream >> 32);
    memcpy(s, start, sizeof s);
    for (unsigned i = 0; i < 10; i++) {
        quarter_round(s, 0, 4, 8, 12);
        quarter_round(s, 1, 5, 9, 13);
        quarter_round(s, 2, 6, 10, 14);
        quarter_round(s, 3, 7, 11, 15);
        quarter_round(s, 0, 5, 10, 15);
        quarter_round(s, 1, 6, 11, 12);
        quarter_round(s, 2, 7, 8, 13);
        quarter_round(s, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++)
        store_le(block + 4 * (size_t)i, s[i] + start[i]);
}

SCONCE_HOT void sconce_personality_stream(const uint8_t seed[SCONCE_PERSONALITY_SEED_BYTES],
                                          uint64_t stream, uint64_t at, void *data, size_t bytes)
{
    uint8_t block[BLOCK_BYTES], *to = data;

    while (bytes) {
        size_t skip = (size_t)(at % BLOCK_BYTES), length = BLOCK_BYTES - skip;

        if (length > bytes)
            length = bytes;
        make_block(seed, stream, at / BLOCK_BYTES, block);
        memcpy(to, block + skip, length);
        at += length;
        to += length;
        bytes -= length;
    }
}

/* 256 bytes at most come whole from the host, whatever signals come. */
static bool fill(struct trap *trap, uint8_t *data, size_t bytes)
{
    struct sconce_personality_state *state = &trap->p->state;

    if (!trap->p->settings.seeded)
        return getrandom(data, bytes, 0) == (ssize_t)bytes;
    sconce_personality_stream(trap->p->settings.seed, 0, state->random_at, data, bytes);
    state->random_at += bytes;
    return true;
}

int64_t trap_getrandom(struct trap *trap)
{
    uint64_t address = trap->args[0], bytes = trap->args[1];
    uint8_t piece[256];

    if ((uint32_t)trap->args[2] & ~KNOWN_FLAGS)
        return ERR_INVAL;
    if (bytes > MOST_BYTES)
        bytes = MOST_BYTES;
    if (!trap_allows(trap, address, bytes, SCONCE_PERSONALITY_WRITE))
        return ERR_FAULT;
    for (uint64_t done = 0; done < bytes;) {
        size_t length = bytes - done < sizeof piece ? (size_t)(bytes - done) : sizeof piece;

        if (!fill(trap, piece, length))
            return done ? (int64_t)done : ERR_IO;
        if (!trap_write(trap, address + done, piece, length))
            return ERR_FAULT;
        done += length;
    }
    return (int64_t)bytes;
}
