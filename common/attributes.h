/* SPDX-License-Identifier: Apache-2.0 */
/* What compilers are told of declarations, where they understand it. */
#ifndef SCONCE_COMMON_ATTRIBUTES_H
#define SCONCE_COMMON_ATTRIBUTES_H

/* A local that is written before it is read, on every path: -ftrivial-auto-var-init need not fill
 * it. For large ones on the path of a call. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define SCONCE_UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef SCONCE_UNINITIALIZED
#define SCONCE_UNINITIALIZED
#endif

/* An exit leaves the processor without most of our translations and with few of our cache lines:
 * each page of code costs a walk then, one after the other. So functions that each call or rewind
 * goes through lie next to each other, and what leads to those that only failures call lies apart.
 */
#define SCONCE_HOT __attribute__((hot))
#define SCONCE_COLD __attribute__((cold))

#endif
