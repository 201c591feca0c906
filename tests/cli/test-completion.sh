#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The completion of bash, asked as bash asks it. COMPLETION: the file; SCONCE: the program.
set -u
# shellcheck source=/dev/null
source "$COMPLETION" || exit 99
failures=0

# The words of a line that ends where the cursor is, then what must be offered.
offers()
{
    local line=$1 want=$2
    # As readline splits: "=" and ":" are words of their own (COMP_WORDBREAKS).
    line=${line//=/ = }
    read -ra COMP_WORDS <<<"${line//:/ : }"
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_WORDS[0]=$SCONCE
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _sconce "$SCONCE"
    local given=" ${COMPREPLY[*]} "
    if [[ $given != *" $want "* ]]; then
        echo "FAILED: '$line' offers '$given', not '$want'"
        failures=$((failures + 1))
    fi
}

export SCONCE_PLUGIN_DIR=$PLUGIN_DIR
offers "sconce ca" call
offers "sconce help doc" doctor
offers "sconce call --ver" --verbose
offers "sconce call --back" --backend=
offers "sconce call --isolation=" vm
offers "sconce call --isolation=a" any
offers "sconce call --format j" json
offers "sconce call -b au" auto
offers "sconce call --set=limits.dead" "limits.deadline_ms="
if [[ -f $PLUGIN_DIR/sconce-backend-stub.so ]]; then
    offers "sconce call --backend=st" stub
    offers "sconce call --backend=auto,st" auto,stub
fi
if [[ -n $GUESTS ]]; then
    offers "sconce call -v $GUESTS/hello.elf gr" greet
    offers "sconce call --backend=stub $GUESTS/hello.elf " greet
    offers "sconce bench --time=5 $GUESTS/hello.elf gr" greet
fi
offers "sconce snapshot ve" verify
layout=$(mktemp -d)
mkdir -p "$layout/dir/blobs/sha256"
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/dir/oci-layout"
echo '{"schemaVersion":2,"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"kept"}}]}' \
    >"$layout/dir/index.json"
offers "sconce snapshot run $layout/d" "$layout/dir"
offers "sconce snapshot create guest.elf $layout/d" "$layout/dir"
if "$SCONCE" snapshot ls "$layout/dir" >/dev/null 2>&1; then # it was built with snapshot files
    offers "sconce snapshot run $layout/dir:" kept
    offers "sconce snapshot verify $layout/dir:ke" kept
    offers "sconce snapshot create guest.elf $layout/dir:k" kept
fi
rm -r "$layout"
echo "$failures failed"
((failures == 0))
