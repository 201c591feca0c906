/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which descriptors are the double's, and what they stand for. The descriptors themselves are KVM's
 * own, so that poll, fork and exec find real ones; duplicates are entries of their own. What is
 * done with KVM goes through one more duplicate for each object, which the client does not know: it
 * lives as long as the object.
 */
#ifndef MSHV_DOUBLE_TABLE_H
#define MSHV_DOUBLE_TABLE_H

#include <stdbool.h>

enum double_kind { DOUBLE_DEVICE, DOUBLE_PARTITION, DOUBLE_VP };

struct double_object {
    enum double_kind kind;
    unsigned refs;              /* descriptors, and VPs of a partition */
    unsigned calls;             /* that are under way */
    bool released;              /* both were 0 */
    int fd;                     /* the double's own duplicate */
    struct double_object *next; /* of all that there are */

    /* Nobody refers to it any more. */
    void (*release)(struct double_object *object);
    /* In a child of fork(): no other thread is here, whatever it was doing. */
    void (*forked)(struct double_object *object);
};

/**
 * double_table_new - @fd stands for the new @object, whose kind and functions are set; the first
 * reference. Returns 0 or -errno, and then nothing has been done.
 */
int double_table_new(int fd, struct double_object *object);

/** double_table_free - @object is no more; its owner frees the memory. */
void double_table_free(struct double_object *object);

/** double_table_call - what @fd stands for, which lives until double_table_return(); NULL when it
 * is none of ours. */
struct double_object *double_table_call(int fd);
void double_table_return(struct double_object *object);

void double_object_get(struct double_object *object);
void double_object_put(struct double_object *object);

/** double_table_may_have - a cheap first look, without a lock. */
bool double_table_may_have(int fd);

/** double_table_remove - before @fd is closed. The object lives on with its other references. */
void double_table_remove(int fd);

/** double_table_duplicate - @to has become what @from is, whatever it was. */
void double_table_duplicate(int from, int to);

/** double_table_close - close_range(2), but for what is the double's alone. */
int double_table_close(unsigned first, unsigned last, unsigned flags);

/**
 * double_table_own - a duplicate of @fd where clients do not look: 900 and above, as far as
 * RLIMIT_NOFILE lets it. They cannot close it.
 */
int double_table_own(int fd);
void double_table_disown(int fd);
bool double_table_is_own(int fd);

#endif
