/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <string.h>

#define HASHED_BYTES 16384u
#define COPIED_BYTES (1u << 20)
#define COPIES 4u
#define FLOATS 512u /* of 32 bytes */

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Nobody writes to what is hashed, so the result follows from the number of turns. */
static const uint8_t hashed[HASHED_BYTES] = {1, 2, 3};
static uint8_t source[COPIED_BYTES], target[COPIED_BYTES];

uint64_t work_int(uint32_t turns)
{
    uint64_t x = 0x9e3779b97f4a7c15u, sum = 0;

    for (uint32_t i = 0; i < turns * 128u; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += x % (i | 1u);
        if (x & 16)
            sum ^= x * 31;
    }
    return sum;
}

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

/* FIPS 180-4, 6.2.2. */
static void hash_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], s[8];

    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    for (unsigned i = 0; i < 8; i++)
        s[i] = state[i];
    /* What FIPS calls a to h stays where it is; who is who moves on. */
    for (unsigned i = 0; i < 64; i++) {
        uint32_t a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
        uint32_t e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
        uint32_t one = s[(7 - i) & 7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                       ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        uint32_t two =
            (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

        s[(3 - i) & 7] += one;
        s[(7 - i) & 7] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += s[i];
}

uint64_t work_sha256(uint32_t turns)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    for (uint32_t turn = 0; turn < turns; turn++)
        for (uint32_t at = 0; at < HASHED_BYTES; at += 64)
            hash_block(state, hashed + at);
    return (uint64_t)state[0] << 32 | state[7];
}

/* In vector registers of 32 bytes, whatever the rest is compiled for: who calls it has looked
 * whether the processor has them. */
__attribute__((target("avx2"))) uint64_t work_avx(uint32_t turns)
{
    typedef float floats __attribute__((vector_size(32)));
    static floats values[FLOATS];
    floats sum = {0};
    uint64_t bits[4];

    for (uint32_t i = 0; i < FLOATS; i++)
        for (uint32_t lane = 0; lane < 8; lane++)
            values[i][lane] = (float)(i % 7 + lane);
    for (uint32_t turn = 0; turn < turns; turn++)
        for (uint32_t i = 0; i < FLOATS; i++) {
            values[i] = values[i] * 0.5f + 1.0f;
            sum = sum * 0.25f + values[i];
        }
    memcpy(bits, &sum, sizeof bits);
    return bits[0] ^ bits[1] * 3 ^ bits[2] * 5 ^ bits[3] * 7;
}

uint64_t work_memcpy(uint32_t turns)
{
    uint64_t sum = 0;

    /* Pages that nobody wrote to may all be one page of zeros, which is always in the cache. */
    if (!source[0])
        memset(source, 1, COPIED_BYTES);
    for (uint32_t copy = 0; copy < turns * COPIES; copy++) {
        uint32_t at = copy * 4096u % COPIED_BYTES;

        source[at] = (uint8_t)(copy | 1);
        memcpy(target, source, COPIED_BYTES);
        __asm__ volatile("" : : : "memory"); /* all of it is copied, whoever looks */
        sum = sum * 31 + target[at];
    }
    return sum;
}
