/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded guest: its image, the backend chosen for it, and the memory that its sandboxes share. */
#ifndef SCONCE_CORE_GUEST_H
#define SCONCE_CORE_GUEST_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/backend.h"
#include "core/image.h"
#include "core/runtime.h"
#include "personality/personality.h"

struct sconce_guest {
    atomic_uint refs;
    uint32_t process;
    struct sconce_runtime *runtime; /* NULL: loaded to inspect */
    struct sconce_backend *backend; /* NULL: loaded to inspect */
    char *refusals;                 /* never NULL */
    struct sconce_image *image;
    void *file; /* as it was loaded, for snapshot files; NULL: loaded to inspect */
    size_t file_bytes;
    struct sconce_personality_table system_calls; /* of the backend; all denied where it plays */
    struct sconce_arena image_arena;              /* read-only segments; empty when there is none */
};

struct sconce_guest *sconce_guest_ref(struct sconce_guest *guest);
void sconce_guest_unref(struct sconce_guest *guest);

#endif
