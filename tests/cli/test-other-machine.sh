#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guests of an architecture that no backend here is for, OTHER_ARCH, in the folder OTHER_GUESTS: they
# can be looked at, and a call is refused with the backends that would do.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 99
guest=$OTHER_GUESTS/guest.elf

check "it is inspected as any other"
expect 0 "$SCONCE" inspect "$guest" && out_has "guest for $OTHER_ARCH" &&
    out_has "add(i32, i32) -> i32"
expect 0 "$SCONCE" inspect --format=json "$guest" && json "d['arch'] == '$OTHER_ARCH'"

check "a call is status 4, whatever is asked for, and tells what there is"
for command in "call $guest add 1 2" "call --isolation=any $guest add 1 2" \
    "run $OTHER_GUESTS/guest-run.elf"; do
    # shellcheck disable=SC2086 # words
    expect 4 "$SCONCE" $command && out_is "" &&
        err_has "no installed backend runs $OTHER_ARCH guests (installed: "
done

check "JSON says the same"
expect 4 "$SCONCE" call --format=json "$guest" add 1 2 && json 'd["error"]["code"] == "no-backend"' &&
    json "'runs $OTHER_ARCH guests' in d['error']['text']"

check "it names the brothers of the backends that are here"
for mechanism in kvm process; do
    ls "$PLUGIN_DIR/sconce-backend-$mechanism-"*.so >/dev/null 2>&1 || continue
    expect 4 "$SCONCE" call "$guest" add 1 2 && err_has "$mechanism-$OTHER_ARCH" &&
        err_has "on a host of that architecture"
done

if [ -f "$PLUGIN_DIR/sconce-backend-stub.so" ]; then
    check "so is one that a backend is named for"
    expect 4 "$SCONCE" call --backend=stub --isolation=any "$guest" add 1 2 &&
        err_has "runs $OTHER_ARCH guests"
fi

finish
