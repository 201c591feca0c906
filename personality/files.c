/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three file descriptors that a guest has: 0 reads what the host gives, 1 and 2 print. There is
 * no file, and no other descriptor.
 */
#include "common/overflow.h"
#include "personality/trap.h"

#define MOST_BYTES 0x7ffff000u /* of one read or write; as Linux has it */
#define MOST_VECTORS 1024u     /* IOV_MAX */
#define MOST_POLLED 1024u

struct vector {
    uint64_t base, bytes;
};

struct pollfd_ {
    int32_t fd;
    int16_t events, revents;
};

static int fd_of(const struct trap *trap)
{
    return (int)(uint32_t)trap->args[0];
}

static bool is_open(const struct trap *trap)
{
    return fd_of(trap) >= 0 && fd_of(trap) <= 2;
}

static bool is_output(const struct trap *trap)
{
    return fd_of(trap) == 1 || fd_of(trap) == 2;
}

/* The caller has looked that the guest may read it all. Each piece is copied before the host sees
 * it: memory that another thread of the host could see changing is nothing to print from. Once the
 * guest must stop nothing more is printed. */
static bool deliver(struct trap *trap, uint64_t address, uint64_t bytes)
{
    uint8_t piece[PIECE_BYTES];

    while (bytes) {
        size_t length = bytes < sizeof piece ? (size_t)bytes : sizeof piece;

        if (!trap_read(trap, piece, address, length))
            return false;
        trap->p->ops->output(trap->p->ctx, (uint32_t)fd_of(trap), piece, length);
        address += length;
        bytes -= length;
        if (bytes && trap->p->ops->stopped(trap->p->ctx))
            break;
    }
    return true;
}

int64_t trap_write_fd(struct trap *trap)
{
    uint64_t bytes = trap->args[2];

    if (!is_output(trap))
        return ERR_BADF;
    if (bytes > MOST_BYTES)
        bytes = MOST_BYTES;
    if (!trap_allows(trap, trap->args[1], bytes, SCONCE_PERSONALITY_READ) ||
        !deliver(trap, trap->args[1], bytes))
        return ERR_FAULT;
    return (int64_t)bytes;
}

/* The guest's list, copied once; its sum. */
static int64_t take_vectors(const struct trap *trap, struct vector *vectors, uint64_t *ret_count)
{
    uint64_t count = trap->args[2], total = 0;

    if (count > MOST_VECTORS)
        return ERR_INVAL;
    if (!trap_read(trap, vectors, trap->args[1], count * sizeof *vectors))
        return ERR_FAULT;
    for (uint64_t i = 0; i < count; i++)
        if (!sconce_add_u64(total, vectors[i].bytes, &total) || total > INT64_MAX)
            return ERR_INVAL;
    *ret_count = count;
    return (int64_t)total;
}

/* All or nothing, but for what one call can carry. */
int64_t trap_writev(struct trap *trap)
{
    struct vector vectors[MOST_VECTORS];
    uint64_t count = 0, room = MOST_BYTES;
    int64_t total;

    if (!is_output(trap))
        return ERR_BADF;
    total = take_vectors(trap, vectors, &count);
    if (total < 0)
        return total;
    for (uint64_t i = 0; i < count; i++) {
        if (vectors[i].bytes > room)
            vectors[i].bytes = room;
        room -= vectors[i].bytes;
        if (!trap_allows(trap, vectors[i].base, vectors[i].bytes, SCONCE_PERSONALITY_READ))
            return ERR_FAULT;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!deliver(trap, vectors[i].base, vectors[i].bytes))
            return ERR_FAULT;
        if (trap->p->ops->stopped(trap->p->ctx))
            break;
    }
    return (int64_t)(MOST_BYTES - room);
}

/* One piece into guest memory: that it may be written is known before the host is asked. */
static int64_t take_input(struct trap *trap, uint64_t address, uint64_t bytes)
{
    uint8_t piece[PIECE_BYTES];
    int64_t got;

    if (bytes > sizeof piece)
        bytes = sizeof piece;
    if (!trap_allows(trap, address, bytes, SCONCE_PERSONALITY_WRITE))
        return ERR_FAULT;
    if (!bytes || !trap->p->ops->input)
        return 0;
    got = trap->p->ops->input(trap->p->ctx, piece, (size_t)bytes);
    if (got < 0 || (uint64_t)got > bytes)
        return ERR_IO;
    return trap_write(trap, address, piece, (size_t)got) ? got : ERR_FAULT;
}

int64_t trap_read_fd(struct trap *trap)
{
    if (fd_of(trap) != 0)
        return ERR_BADF;
    return take_input(trap, trap->args[1], trap->args[2]);
}

/* As a terminal's: one call gives no more than fits the first vector that has room. */
int64_t trap_readv(struct trap *trap)
{
    struct vector vectors[MOST_VECTORS];
    uint64_t count = 0;
    int64_t total;

    if (fd_of(trap) != 0)
        return ERR_BADF;
    total = take_vectors(trap, vectors, &count);
    if (total <= 0)
        return total;
    for (uint64_t i = 0; i < count; i++)
        if (vectors[i].bytes)
            return take_input(trap, vectors[i].base, vectors[i].bytes);
    return 0;
}

int64_t trap_close(struct trap *trap)
{
    return is_open(trap) ? 0 : ERR_BADF;
}

int64_t trap_lseek(struct trap *trap)
{
    return is_open(trap) ? ERR_SPIPE : ERR_BADF;
}

int64_t trap_ioctl(struct trap *trap)
{
    return is_open(trap) ? ERR_NOTTY : ERR_BADF;
}

/* Nothing ever happens to a descriptor, and nobody waits. */
int64_t trap_poll(struct trap *trap)
{
    struct pollfd_ fds[MOST_POLLED];
    uint64_t count = (uint32_t)trap->args[1], bytes = count * sizeof *fds;

    if (count > MOST_POLLED)
        return ERR_INVAL;
    if (!trap_read(trap, fds, trap->args[0], bytes))
        return ERR_FAULT;
    for (uint64_t i = 0; i < count; i++)
        fds[i].revents = 0;
    return trap_write(trap, trap->args[0], fds, bytes) ? 0 : ERR_FAULT;
}

int64_t trap_ppoll(struct trap *trap)
{
    uint64_t timeout[2], mask;

    if (trap->args[2] && !trap_read(trap, timeout, trap->args[2], sizeof timeout))
        return ERR_FAULT;
    if (trap->args[3] && !trap_read(trap, &mask, trap->args[3], sizeof mask))
        return ERR_FAULT;
    return trap_poll(trap);
}
