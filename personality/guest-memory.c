/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory by guest addresses: what lies wholly in what the guest has, and is copied once. */
#include "common/overflow.h"
#include "common/untrusted.h"
#include "personality/trap.h"

/* The stretch at @address, cut at @end. */
static bool next_span(const struct trap *trap, uint64_t address, uint64_t end, uint32_t prot,
                      struct sconce_personality_span *ret)
{
    if (!trap->p->ops->memory(trap->p->ctx, address, ret) || (ret->prot & prot) != prot)
        return false;
    if (ret->bytes > end - address)
        ret->bytes = end - address;
    return ret->bytes != 0;
}

bool trap_allows(const struct trap *trap, uint64_t address, uint64_t bytes, uint32_t prot)
{
    struct sconce_personality_span span;
    uint64_t end;

    if (!sconce_add_u64(address, bytes, &end))
        return false;
    for (; address < end; address += span.bytes)
        if (!next_span(trap, address, end, prot, &span))
            return false;
    return true;
}

bool trap_read(const struct trap *trap, void *to, uint64_t address, size_t bytes)
{
    struct sconce_personality_span span;
    uint64_t end = address + bytes;
    uint8_t *at = to;

    if (!trap_allows(trap, address, bytes, SCONCE_PERSONALITY_READ))
        return false;
    for (; address < end; address += span.bytes, at += span.bytes) {
        if (!next_span(trap, address, end, SCONCE_PERSONALITY_READ, &span))
            return false;
        sconce_copy_untrusted(at, span.host, span.bytes);
    }
    return true;
}

bool trap_write(const struct trap *trap, uint64_t address, const void *from, size_t bytes)
{
    struct sconce_personality_span span;
    uint64_t end = address + bytes;
    const uint8_t *at = from;

    if (!trap_allows(trap, address, bytes, SCONCE_PERSONALITY_WRITE))
        return false;
    for (; address < end; address += span.bytes, at += span.bytes) {
        if (!next_span(trap, address, end, SCONCE_PERSONALITY_WRITE, &span))
            return false;
        sconce_copy_untrusted(span.host, at, span.bytes);
        if (trap->p->ops->wrote)
            trap->p->ops->wrote(trap->p->ctx, address, span.bytes);
    }
    return true;
}

bool trap_clear(const struct trap *trap, uint64_t address, size_t bytes)
{
    static const uint8_t zeros[64];

    return bytes <= sizeof zeros && trap_write(trap, address, zeros, bytes);
}
