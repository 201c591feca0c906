#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/parser as people run it: its host, on files good and bad, the bad ones between good ones.
# Environment: PARSER the host, GUEST, FILES their folder, BACKEND, ISOLATION.
. "$(dirname "$0")/../cli/lib.sh"
need_usable_backend
printf 'backend = %s\nisolation = %s\n' "$BACKEND" "$isolation" >>"$SCONCE_CONFIG"
cd "$FILES" || exit 99

check "every good file is read, and every bad one told, whatever went before it"
# shellcheck disable=SC2153 # from the environment
expect 0 "$PARSER" "$GUEST" good.xml malformed.xml good.xml deep.xml good.xml laughs.xml good.xml \
    fault.xml good.xml
# Addresses differ.
sed -i 's/memory fault at .*/memory fault/' "$tmp/out"
cat >"$tmp/wanted" <<'END'
good.xml: 7 elements, 3 deep, 2 columns
malformed.xml: refused: parse failed with code 7: line 2: mismatched tag
good.xml: 7 elements, 3 deep, 2 columns
deep.xml: refused: parse failed with code 35: line 34: nested too deeply
good.xml: 7 elements, 3 deep, 2 columns
laughs.xml: refused: parse failed with code 43: line 14: limit on input amplification factor (from DTD and entities) breached
good.xml: 7 elements, 3 deep, 2 columns
fault.xml: refused: the guest faulted: memory fault
good.xml: 7 elements, 3 deep, 2 columns
END
same "$tmp/wanted" "$tmp/out"

finish
