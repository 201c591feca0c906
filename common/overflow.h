/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on untrusted numbers: each returns false, and leaves *ret alone, on overflow. */
#ifndef SCONCE_COMMON_OVERFLOW_H
#define SCONCE_COMMON_OVERFLOW_H

#include <stdbool.h>
#include <stdint.h>

static inline bool sconce_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    uint64_t sum;

    return !__builtin_add_overflow(a, b, &sum) && (*ret = sum, true);
}

static inline bool sconce_mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    uint64_t product;

    return !__builtin_mul_overflow(a, b, &product) && (*ret = product, true);
}

/* @value rounded up to a multiple of @unit, a power of two. */
static inline bool sconce_round_up_u64(uint64_t value, uint64_t unit, uint64_t *ret)
{
    uint64_t sum;

    return !__builtin_add_overflow(value, unit - 1, &sum) && (*ret = sum & ~(unit - 1), true);
}

/* Does [offset, offset + length) lie within @total? An empty range at the very end does. */
static inline bool sconce_range_within(uint64_t offset, uint64_t length, uint64_t total)
{
    return offset <= total && length <= total - offset;
}

#endif
