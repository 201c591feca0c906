#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What sconce-plugin-check says and how it exits: test-plugin-check.sh PROGRAM STUB INTERPOSER GUESTS
# BACKEND... GUESTS: their folder, or empty.
set -u
program=$1
stub=$2
interposer=$3
guests=$4
shift 4

# shellcheck source=expect.sh
. "$(dirname "$0")/expect.sh"

# All backends that were built, in one table: the same rows, with the same guests.
if [ -n "$guests" ]; then
    said=$("$program" --guest-dir="$guests" --only='types.e*' "$@" 2>&1)
    got=$?
    columns=$(printf '%s\n' "$said" | sed -n 's/^types.echo *//p' | sed 's/skip /skip/g' | wc -w)
    if { [ "$got" -ne 0 ] && [ "$got" -ne 77 ]; } || [ "$columns" -ne $# ]; then
        echo "FAILED: the table of $* exits with $got, or has not $# columns:"
        printf '%s\n' "$said" | sed 's/^/    /'
        failures=$((failures + 1))
    fi
fi

expect 0 '^Usage: ' --help
expect 0 'plugin ABI [0-9]*\.[0-9]*$' --version
expect 0 '^map.overlap ' --list
expect 0 '^map.overlap ' --list --only='map.*'
expect 2 'which backend'
expect 2 'one backend at a time' --no-fork "$stub" "$stub"
expect 2 'no such plugin: ./nonesuch.so' "$stub" ./nonesuch.so
expect 2 'no row matches nonesuch' --only=nonesuch "$stub" "$stub"
expect 2 'unrecognized option' --nonesuch stub
expect 2 'no such plugin: ./nonesuch.so' ./nonesuch.so
expect 2 'no such plugin: nonesuch' --plugin-dir=/nonexistent nonesuch
expect 2 'no row matches nonesuch' --only=nonesuch "$stub"
expect 2 'not a count: 0' --frames=0 "$stub"
expect 2 'not a count: 0' --kicks=0 "$stub"
expect 2 'text or json' --format=xml "$stub"
expect 2 'KEY=VALUE' --set=backend.stub.script "$stub"
expect 2 'no/such/file' --config=/no/such/file "$stub"

expect 0 '^stub: 4 passed, 0 failed, 0 skipped$' --only='file.*' "$stub"
expect 0 '^ok    map.overlap ' --plugin-dir="$(dirname "$stub")" --only=map.overlap stub
expect 0 '"result":"ok"' --only=map.overlap --format=json "$stub"
expect 0 '^ok    map.overlap ' --no-fork --only=map.overlap "$stub"

# A file that is no plugin: rows fail, one by one, and the program does not.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
echo 'not a plugin' >"$work/sconce-backend-text.so"
expect 1 '^FAIL  file.note' --only='file.*' "$work/sconce-backend-text.so"
expect 1 'text cannot be used on this machine' "$work/sconce-backend-text.so"
cp "$stub" "$work/sconce-backend-other.so"
expect 1 'its note calls for sconce-backend-stub.so' --only=file.name "$work/sconce-backend-other.so"

# A wrong setting is the caller's mistake, not the backend's.
expect 2 'cannot open the script /no/script' --set=backend.stub.script=/no/script "$stub"

# Settings of one backend are not told to another one, wrapped or not.
expect 0 '^ok    fail-nth.each ' --only=fail-nth.each --interposer="$interposer" \
    --guest-dir="${guests:-/}" --set=backend.another.depth=3 "$stub"

# A backend that fails now and then.
SCONCE_FAIL_NTH_WRAPS=$(realpath "$stub")
export SCONCE_FAIL_NTH_WRAPS
expect 1 '^FAIL  map.overlap ' --only='map.*' --set=backend.fail-nth.fail_at=2 "$interposer"
expect 1 'mem_map failed on purpose, call 2' --only='map.*' --set=backend.fail-nth.fail_at=2 \
    "$interposer"

# Several: a line a row, a column a backend; below it why, and each one's totals.
expect 0 '^  *stub     fail-nth$' --only='map.*' "$stub" "$interposer"
expect 0 '^map.overlap  *ok       ok$' --only='map.*' "$stub" "$interposer"
expect 0 '^types.echo  *skip 1   skip 1$' --only='types.*' "$stub" "$interposer"
expect 0 '^types.mixed  *skip 1   skip 1$' --only='types.*' "$stub" "$interposer"
expect 0 '^   1  it runs no guest code$' --only='types.*' "$stub" "$interposer"
expect 0 '^fail-nth: 0 passed, 0 failed, 5 skipped$' --only='types.*' "$stub" "$interposer"
set -- --only='map.*' --set=backend.fail-nth.fail_at=2
expect 1 '^map.overlap  *ok       FAIL$' "$@" "$stub" "$interposer"
expect 1 '^  fail-nth, map.overlap: ' "$@" "$stub" "$interposer"
expect 1 '^      .*mem_map failed on purpose, call 2' "$@" "$stub" "$interposer"
expect 1 '^map.overlap  *FAIL  *ok$' "$@" "$interposer" "$stub"
expect 1 '^stub: [1-9][0-9]* passed, 0 failed, 0 skipped$' "$@" "$interposer" "$stub"
expect 1 '^,{"backend":"fail-nth"' "$@" --format=json "$stub" "$interposer"
"$program" "$@" --format=json "$stub" "$interposer" | python3 -c '
import json, sys
both = json.load(sys.stdin)
sys.exit([b["backend"] for b in both] != ["stub", "fail-nth"] or both[1]["failed"] == 0)' || {
    echo "FAILED: the JSON of several is no list of both"
    failures=$((failures + 1))
}
unset SCONCE_FAIL_NTH_WRAPS

# A backend that cannot be used here is no failure, and no success: 77. One of several is enough.
expect 77 'cannot wrap nothing' --only='vm.*' "$interposer"
expect 77 '^vm.many  *ok       skip 1$' --only='vm.*' "$stub" "$interposer"
expect 77 '^fail-nth cannot be used on this machine: .*cannot wrap nothing' --only='vm.*' "$stub" \
    "$interposer"

[ "$failures" -eq 0 ]
