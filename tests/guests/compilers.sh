# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # what those who source this look at
# What the tests of sconce-cc share: what must work and what must be refused, in a folder of their own.
# $prefix stands before what is told; $failed is 1 when something was not as it must be.

failed=0
prefix=
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99

# check WHAT COMMAND...
check() {
    what=$prefix$1
    shift
    if ! "$@" >out.txt 2>&1; then
        printf 'FAILED: %s\n' "$what" >&2
        sed 's/^/    /' out.txt >&2
        failed=1
    fi
}

# refuse WHAT MESSAGE COMMAND...
refuse() {
    what=$prefix$1
    message=$2
    shift 2
    if "$@" >out.txt 2>&1; then
        printf 'FAILED: %s: was not refused\n' "$what" >&2
        failed=1
    elif ! grep -q -e "$message" out.txt; then
        printf 'FAILED: %s: expected "%s"\n' "$what" "$message" >&2
        sed 's/^/    /' out.txt >&2
        failed=1
    fi
}
