#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-bench.sh SCONCE-BENCH: every row runs to its end on each backend that works here, and the
# counts are right. No time is looked at.
set -u

bench=$1
ran=

fail()
{
    echo "$*"
    exit 1
}

ends_with()
{
    wanted=$1
    shift
    output=$("$@" 2>&1)
    status=$?
    [ "$status" -eq "$wanted" ] || fail "$*: exit $status instead of $wanted: $output"
}

# counts BACKEND METRIC WHOSE EXITS IOCTLS: an operation's, in $output. All its system calls are
# ioctls; before Linux 5.11 nobody counts them.
counts()
{
    echo "$output" | grep "\"metric\": \"$2\", \"backend\": \"$1\"" |
        grep -q -E "\"$3\": [{][^}]*\"exits\": $4.000, \"ioctls\": $5.000, \"syscalls\": ($5.000|null)," ||
        fail "$2 on $1: $3 has not $4 exits and $5 ioctls: $output"
}

# rows BACKEND IOCTLS: a short run of all of them. IOCTLS: that an exit takes.
rows()
{
    output=$("$bench" --backend="$1" --rounds=2 --batch=2 --format=json 2>&1)
    status=$?
    echo "$output"
    case $status in
    4 | 77) return ;;
    0) ;;
    *) fail "--backend=$1: exit $status" ;;
    esac
    ran=yes
    for whose in floor ours; do
        counts "$1" call.null "$whose" 1 "$2"
        counts "$1" call.host "$whose" 2 $((2 * $2))
        counts "$1" call.bytes "$whose" 1 "$2"
    done
    only_kvm=
    [ "${1#kvm-}" = "$1" ] || only_kvm=call.exitless
    for row in $only_kvm rewind.1 rewind.64 rewind.256 restore.1 restore.64 restore.256 pool.turn start.cold \
        start.sandbox start.snapshot heap.snapshot.1024 heap.restore.1024 heap.create.1024 kick \
        compute.int compute.sha256 compute.memcpy; do
        case $output in
        *"\"metric\": \"$row\""*) ;;
        *) fail "--backend=$1: no row $row" ;;
        esac
    done
}

rows kvm-x86_64 1
rows process-x86_64 2
[ "$ran" ] || {
    echo "skipped: no backend with a floor works here"
    exit 77
}

ends_with 0 "$bench" --only=call.null --rounds=1 --batch=1 --cpu=any
case $output in
*call.null*call.host*) fail "--only=call.null shows another row: $output" ;;
*call.null*) ;;
*) fail "--only=call.null does not show it: $output" ;;
esac
ends_with 0 "$bench" --only=alive.10 --rounds=1 --batch=20
(
    # shellcheck disable=SC3045 # those shells that are sh have it
    ulimit -n 64 # descriptors for a dozen
    ends_with 0 "$bench" --only=alive.100 --rounds=1 --batch=1 --format=json
    case $output in
    *"of 100 sandboxes, "*" can be alive here"*) ;;
    *) fail "does not say how many sandboxes there is room for: $output" ;;
    esac
) || exit
ends_with 4 "$bench" --backend=absent
case $output in
*absent*) ;;
*) fail "does not name the backend that is missing: $output" ;;
esac
ends_with 77 "$bench" --backend=stub
ends_with 2 "$bench" --only=absent
ends_with 2 "$bench" --sweep=absent
ends_with 2 "$bench" --rounds=0
ends_with 2 "$bench" --cpu=none
ends_with 2 "$bench" --format=table
ends_with 2 "$bench" extra
