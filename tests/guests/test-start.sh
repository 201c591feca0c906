#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What comes of guests by what they do before they are ready, on BACKEND.
. "$(dirname "$0")/../cli/lib.sh"
need_usable_backend
need_guests
cd "$tmp" || exit 99

# STATUS GUEST [OPTION...]
start()
{
    want=$1 guest=$2
    shift 2
    expect "$want" "$SCONCE" run --backend="$BACKEND" --isolation="$isolation" "$@" "$guest.elf"
}

check "constructors and main may print, allocate and call the host"
start 0 start-work --quiet --host host_echo_string=hi && out_is "starting
"

check "main that takes arguments gets the name"
start 0 start-arguments && err_lacks "argument"

check "a result of main ends the guest"
start 5 start-main-fails && err_has "did not start: the guest aborted: main returned 3"

check "so does giving up"
start 5 start-abort && out_is "so far" && err_has "the guest aborted: not today"

check "so does a failure, which is not left to the first call"
start 5 start-fails && err_has "did not start: the guest aborted: no luck"
start 5 start-fails --format=json && json 'd["error"]["guest_code"] == 7'

check "the failure tells more than what main returns after it"
start 5 start-fails-twice && err_has "the guest aborted: no luck"

finish
