# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # program is the sourcing script's
# What tests of programs here have alike; sourced. The program under test is $program, and $failures
# counts.
failures=0

# expect STATUS PATTERN ARGUMENT...: run it; its exit status and some line of its output must fit.
expect() {
    status=$1
    pattern=$2
    shift 2
    said=$("$program" "$@" 2>&1)
    got=$?
    if [ "$got" -ne "$status" ] || ! printf '%s\n' "$said" | grep -q -e "$pattern"; then
        echo "FAILED: $* exits with $got (expected $status), or does not say \"$pattern\":"
        printf '%s\n' "$said" | sed 's/^/    /'
        failures=$((failures + 1))
    fi
}
