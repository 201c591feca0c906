#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A snapshot is copied to another image layout and back by skopeo, which knows OCI's format and
# nothing of us; it is then what it was, and runs. BACKEND, whose wall is ISOLATION.
. "$(dirname "$0")/lib.sh"
command -v skopeo >/dev/null || skip "there is no skopeo: tools/install-deps check installs it"
need_usable_backend
need_guests
cd "$tmp" || exit 99

copy()
{
    # Without a policy file of the machine's, skopeo copies nothing.
    expect 0 skopeo --insecure-policy copy "oci:$1" "oci:$2"
}

check "skopeo copies a snapshot to another layout and back"
expect 0 "$SCONCE" snapshot create --backend="$BACKEND" --isolation="$isolation" counter.elf \
    first:kept next
copy first:kept second:copied
copy second:copied third:back

check "each copy is whole"
expect 0 "$SCONCE" snapshot verify first && out_is "kept: ok
"
expect 0 "$SCONCE" snapshot verify second && out_is "copied: ok
"
expect 0 "$SCONCE" snapshot verify third && out_is "back: ok
"
diff -r first/blobs third/blobs >"$tmp/out" 2>&1 || fail "blobs came back otherwise"

check "the last copy runs"
expect 0 "$SCONCE" snapshot run --backend="$BACKEND" --isolation="$isolation" third:back next &&
    out_is "102
"

check "a snapshot can be kept in a layout that skopeo made"
expect 0 "$SCONCE" snapshot create --backend="$BACKEND" --isolation="$isolation" counter.elf \
    second:ours
expect 0 "$SCONCE" snapshot verify second && out_has "copied: ok" && out_has "ours: ok"
copy second:ours fourth:ours
expect 0 "$SCONCE" snapshot verify fourth

finish
