/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of all other files of this folder where a library that they need is not there. */
#include <sconce/sconce.h>

#include "common/error.h"

static int absent(struct sconce_error *err)
{
    return sconce_fail_hint(err, SCONCE_E_SNAPSHOT,
                            "build Sconce with libzstd, nettle and jansson: "
                            "-Dsnapshot_files=enabled",
                            "this Sconce was built without snapshot files");
}

int sconce_snapshot_save(const struct sconce_snapshot *snapshot, const char *layout_dir,
                         const char *tag, struct sconce_error *err)
{
    (void)snapshot, (void)layout_dir, (void)tag;
    return absent(err);
}

int sconce_snapshot_open(struct sconce_runtime *runtime, const char *layout_dir, const char *tag,
                         struct sconce_guest **ret_guest, struct sconce_snapshot **ret_snapshot,
                         struct sconce_error *err)
{
    (void)runtime, (void)layout_dir, (void)tag, (void)ret_guest, (void)ret_snapshot;
    return absent(err);
}

int sconce_snapshot_verify(struct sconce_runtime *runtime, const char *layout_dir, const char *tag,
                           struct sconce_error *err)
{
    (void)runtime, (void)layout_dir, (void)tag;
    return absent(err);
}

int sconce_snapshot_each(const char *layout_dir,
                         int (*fn)(void *ctx, const struct sconce_snapshot_info *info), void *ctx,
                         struct sconce_error *err)
{
    (void)layout_dir, (void)fn, (void)ctx;
    return absent(err);
}
