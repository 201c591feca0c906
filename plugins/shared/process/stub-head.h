/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a stub's page: what the host and the zygote must know of it. A backend may have
 * several pages, one behind the other, of which a child gets one. For C and for assembly. */
#ifndef SCONCE_PLUGINS_PROCESS_STUB_HEAD_H
#define SCONCE_PLUGINS_PROCESS_STUB_HEAD_H

#define SCONCE_STUB_MAGIC 0x42555453 /* "STUB" */

#ifndef __ASSEMBLER__

#include <stdint.h>

struct sconce_stub_head {
    uint32_t magic;
    /* Offsets from the page's start. */
    uint32_t site;     /* the instruction behind the notifying system call */
    uint32_t listener; /* the struct sock_fprog that makes notifications */
    uint32_t start;    /* raw_start */
    uint32_t handler;  /* of every signal */
    uint32_t finish;   /* the last step of a child: raw.h */
    /* The stack_t that the alternate stack is set to; at a constant address, which the filter
     * pins. */
    uint64_t altstack[3];
};

#endif

#endif
