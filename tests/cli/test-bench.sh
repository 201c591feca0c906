#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce bench: what it tells and what it refuses. How long anything takes is not looked at.
. "$(dirname "$0")/lib.sh"
need_backend stub
need_guests
cd "$tmp" || exit 99

check "three ways are told, each with calls and counts"
stub 0 echo bench guest.elf echo_i32 5 --time=1 --format=json &&
    json '[w["way"] for w in d["ways"]] == ["call", "rewind", "restore"]' &&
    json 'd["function"] == "echo_i32" and d["backend"] == "stub" and d["time_ms"] == 1' &&
    json 'all(w["calls"] >= 1 and w["calls_per_second"] > 0 for w in d["ways"])' &&
    json 'all(w["p10_ns"] <= w["median_ns"] <= w["p99_ns"] for w in d["ways"])' &&
    json 'all(w["exits_per_call"] >= 1 and w["host_calls_per_call"] == 0 for w in d["ways"])'

check "as text, a line for each way"
stub 0 echo bench guest.elf echo_i32 5 --time=1 && out_has "calls/s" && out_has "call and rewind" &&
    out_has "call and restore"
[ "$(wc -l <"$tmp/out")" -eq 4 ] || fail "not four lines"

check "a function that fails is no measurement"
stub 1 fail bench guest.elf fail 7 x --time=1 && out_is "" && err_has "sconce: "
stub 1 fail bench guest.elf fail 7 x --time=1 --format=json && json '"error" in d'

check "arguments are read as by call"
stub 2 echo bench guest.elf add 1 && err_has "add takes 2 arguments, but 1 was given"
stub 2 echo bench guest.elf absent && err_has "\"absent\""
stub 2 echo bench guest.elf && err_has "an operand is missing"

check "--time is a number of milliseconds"
for wrong in 0 -1 +5 1.5 soon 3600001 99999999999999999999 "" " 5"; do
    stub 2 echo bench guest.elf echo_i32 5 "--time=$wrong" &&
        err_has "--time wants milliseconds from 1 to 3600000, not \"$wrong\""
done

finish
