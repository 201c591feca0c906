#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With no backend installed, every command says so, and what to do.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 99
mkdir empty

check "backends lists nothing, and has a hint"
expect 0 "$SCONCE" backends --plugin-dir=empty && out_is "" && err_has "/empty (--plugin-dir)" &&
    err_has "hint: "
expect 0 "$SCONCE" backends --plugin-dir=empty --format=json && json 'd == []'
expect 0 "$SCONCE" backends --plugin-dir=empty --quiet && out_is "" && err_is ""

check "a folder that is not there is named"
expect 0 "$SCONCE" backends --plugin-dir=missing && out_is "" && err_has "/missing"

check "doctor is status 4, and still looks for the device of virtual machines"
expect 4 "$SCONCE" doctor --plugin-dir=empty && out_has "fail  plugin directory" &&
    out_has "/dev/kvm" && out_has "fail  conclusion"

if [ -n "$GUESTS" ]; then
    check "a call is status 4, with a hint"
    expect 4 "$SCONCE" call --plugin-dir=empty "$GUESTS/guest.elf" add 1 2 && out_is "" &&
        err_has "/empty" && err_has "hint: "
    expect 4 "$SCONCE" call --plugin-dir=empty --format=json "$GUESTS/guest.elf" add 1 2 &&
        json 'd["error"]["code"] == "no-backend"'

    check "a guest can be inspected all the same"
    expect 0 "$SCONCE" inspect "$GUESTS/guest.elf" && out_has "add(i32, i32) -> i32"
fi

finish
