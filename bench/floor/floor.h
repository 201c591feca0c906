/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A floor: a mechanism driven by hand, in the fewest steps that have the shape of a backend. One
 * table of operations a mechanism, so that a metric is written once. Shares no code with Sconce:
 * nothing that is slow there is slow here, too.
 *
 * All that take @err return 0, or -1 and fill it. Guests are used by the thread that started them;
 * only kick is for another one.
 */
#ifndef SCONCE_BENCH_FLOOR_FLOOR_H
#define SCONCE_BENCH_FLOOR_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

/* What was tried, and its errno. */
struct floor_error {
    const char *what;
    int number;
};

/* The host's view of a guest's memory: at least so much of it is one piece, and the guest's. */
#define FLOOR_MEMORY_BYTES (4ul << 20)

struct floor_ops;

/* A mechanism that is open; the mechanism's own is behind it. */
struct floor {
    const struct floor_ops *ops;
    uint64_t more_bytes; /* of memory that guests which start next have besides, never touched */
};

/* One guest, which waits in its doorbell. */
struct floor_guest {
    const struct floor_ops *ops;
    void *memory;   /* FLOOR_MEMORY_BYTES */
    uint64_t exits; /* returns to the host's userspace so far */
};

struct floor_ops {
    /* @program: what the mechanism needs of the build; NULL where it needs nothing. */
    int (*open)(const char *program, struct floor **ret_floor, struct floor_error *err);
    void (*close)(struct floor *floor);

    /* From nothing to the guest's first doorbell: the raw cold start. @bare: without all that a
     * guest could run without (features, filters, touched pages); where there is no such thing, the
     * same. */
    int (*start)(struct floor *floor, bool bare, struct floor_guest **ret_guest,
                 struct floor_error *err);
    /* End it, and take all back. */
    void (*stop)(struct floor_guest *guest);

    /* Let it run on to its next doorbell: the raw round trip. */
    int (*turn)(struct floor_guest *guest, struct floor_error *err);
    /* Its registers are those of a new guest when it runs next. */
    int (*scrub)(struct floor_guest *guest, struct floor_error *err);
    /* Let it compute until it is kicked. */
    int (*spin)(struct floor_guest *guest, struct floor_error *err);
    /* Any thread, while or before the guest's own is in spin; once for each spin. */
    void (*kick)(struct floor_guest *guest);
    /* Have it answer by memory, until it is told to leave; any one thread. NULL: it cannot. The
     * word is FLOOR_WORD_AT its memory's start: the host writes ASK, and the guest makes it
     * ANSWERED. */
    int (*answer)(struct floor_guest *guest, struct floor_error *err);
};

#define FLOOR_WORD_AT 64
#define FLOOR_WORD_ASK 1u
#define FLOOR_WORD_ANSWERED 2u
#define FLOOR_WORD_LEAVE 3u

/* Signal that kick may send to the guest's thread; its handler is open's. */
#define FLOOR_KICK_SIGNAL SIGUSR2

extern const struct floor_ops floor_kvm;
extern const struct floor_ops floor_process;

#endif
