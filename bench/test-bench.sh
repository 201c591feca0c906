#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-bench.sh BENCH-CALL BENCH-START: the benchmarks run to their end and say what they should. No
# number that they measure is looked at, but for the counts.
set -u

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
    if [ "$status" -eq 77 ]; then
        echo "skipped: $output"
        exit 77
    fi
    [ "$status" -eq "$wanted" ] || fail "$*: exit $status instead of $wanted: $output"
}

for program; do
    ends_with 0 "$program" --rounds=3 --batch=2
    echo "$output"
    ends_with 0 "$program" --rounds=1 --batch=1 --cpu=any --format=json
    case $output in
    "{"*'"exits": 1.000}'*"}") ;;
    *) fail "$program --format=json: $output" ;;
    esac
    ends_with 4 "$program" --backend=absent
    case $output in
    *absent*) ;;
    *) fail "$program: does not name the backend that is missing: $output" ;;
    esac
    ends_with 2 "$program" --rounds=0
    ends_with 2 "$program" --cpu=none
    ends_with 2 "$program" extra
done
