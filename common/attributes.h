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

#endif
