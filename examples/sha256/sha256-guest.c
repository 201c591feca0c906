/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that computes SHA-256 (FIPS 180-4) of what it is given: sha256(bytes) -> string, 64
 * hexadecimal digits as sha256sum prints them.
 */
#include <string.h>

#include <sconce/guest.h>

#define BLOCK_BYTES 64u
#define STATE_WORDS 8u
#define ROUNDS 64u

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t round_constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static uint32_t load_big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Message schedule and compression of one block (6.2.2). */
static void add_block(uint32_t state[STATE_WORDS], const unsigned char block[BLOCK_BYTES])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    uint32_t w[ROUNDS];

    for (unsigned t = 0; t < 16; t++)
        w[t] = load_big_endian(block + t * 4);
    for (unsigned t = 16; t < ROUNDS; t++) {
        uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    for (unsigned t = 0; t < ROUNDS; t++) {
        uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
        uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* What is left, a one bit, zeros, and the length in bits, in one or two blocks (5.1.1). */
static void add_tail(uint32_t state[STATE_WORDS], const unsigned char *tail, size_t tail_bytes,
                     uint64_t message_bytes)
{
    unsigned char blocks[2 * BLOCK_BYTES] = {0};
    size_t bytes = tail_bytes + 1 + 8 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;

    memcpy(blocks, tail, tail_bytes);
    blocks[tail_bytes] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        blocks[bytes - 1 - i] = (unsigned char)(message_bytes * 8 >> 8 * i);
    for (size_t at = 0; at < bytes; at += BLOCK_BYTES)
        add_block(state, blocks + at);
}

SCONCE_EXPORT(sconce_str, sha256, (sconce_bytes message))
{
    uint32_t state[STATE_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const unsigned char *data = message.data;
    size_t whole = message.length - message.length % BLOCK_BYTES;

    for (size_t at = 0; at < whole; at += BLOCK_BYTES)
        add_block(state, data + at);
    add_tail(state, data + whole, message.length - whole, message.length);
    return sconce_format("%08x%08x%08x%08x%08x%08x%08x%08x", state[0], state[1], state[2], state[3],
                         state[4], state[5], state[6], state[7]);
}
