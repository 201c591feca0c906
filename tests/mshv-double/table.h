/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which descriptors are the double's, and what they stand for. The descriptors themselves are KVM's
 * own, so that poll, fork and exec find real ones; duplicates are entries of their own.
 */
#ifndef MSHV_DOUBLE_TABLE_H
#define MSHV_DOUBLE_TABLE_H

#include <stdbool.h>

enum double_kind { DOUBLE_DEVICE, DOUBLE_PARTITION, DOUBLE_VP };

struct double_object {
    enum double_kind kind;
    unsigned refs; /* descriptors, calls that are under way, and VPs of a partition */
    int fd;        /* one of its descriptors, as long as there is one */
    void (*destroy)(struct double_object *object);
};

/** double_table_add - @fd stands for @object from now on; takes a reference. -EMFILE: too large. */
int double_table_add(int fd, struct double_object *object);

/** double_table_get - what @fd stands for, with a reference; NULL when it is none of ours. */
struct double_object *double_table_get(int fd);

void double_object_get(struct double_object *object);
/** double_object_put - may destroy it. */
void double_object_put(struct double_object *object);

/** double_table_may_have - a cheap first look, without a lock. */
bool double_table_may_have(int fd);

/** double_table_remove - before @fd is closed. The object lives on with its other references. */
void double_table_remove(int fd);

/** double_table_duplicate - @to is now what @from is; nothing when @from is none of ours. */
void double_table_duplicate(int from, int to);

#endif
